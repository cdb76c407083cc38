// The echo contract on nhooyr.io/websocket. A message is read into the connection's own buffer, which
// is used again, and written in one frame: faster than Read, which makes a buffer for each, and than
// Writer, which copies once more and cuts what is longer than its buffer.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"nhooyr.io/websocket"
)

const maxMessageBytes = 1 << 20

// Its buffers are those of net/http, 4 KiB each. net.Conn has TCP_NODELAY set.
var options = websocket.AcceptOptions{
	CompressionMode:    websocket.CompressionDisabled,
	InsecureSkipVerify: true, // of the origin
}

// The whole message in the buffer, which grows as needed.
func readMessage(from io.Reader, buffer []byte) ([]byte, error) {
	buffer = buffer[:0]
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, make([]byte, cap(buffer))...)[:len(buffer)]
		}
		count, err := from.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+count]
		if err == io.EOF {
			return buffer, nil
		}
		if err != nil {
			return buffer, err
		}
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	connection, err := websocket.Accept(w, r, &options)
	if err != nil {
		return
	}
	defer connection.Close(websocket.StatusInternalError, "")
	connection.SetReadLimit(maxMessageBytes)
	// One that is never cancelled costs least.
	forever := context.Background()
	message := make([]byte, 0, 512)
	for {
		kind, reader, err := connection.Reader(forever)
		if err != nil {
			return
		}
		if message, err = readMessage(reader, message); err != nil {
			return
		}
		if connection.Write(forever, kind, message) != nil {
			return
		}
	}
}

func main() {
	port := flag.Int("port", 0, "")
	flag.Parse()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening port=%d\n", listener.Addr().(*net.TCPAddr).Port)
	go func() { log.Fatal(http.Serve(listener, http.HandlerFunc(echo))) }()
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	<-terminate
}
