// The echo contract on gorilla/websocket. A message is read into the connection's own buffer, which
// is used again, and written in one frame: faster than ReadMessage, which makes a buffer for each,
// and than NextWriter, which copies once more and cuts what is longer than its buffer.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/gorilla/websocket"
)

const maxMessageBytes = 1 << 20

// As the project recommends for many connections: they share the buffers that they write from, and
// read into those of net/http, 4 KiB each. Larger ones were no faster at 16 KiB: what is longer is
// read and written past them. net.Conn has TCP_NODELAY set.
var upgrader = websocket.Upgrader{
	WriteBufferPool: &sync.Pool{},
	CheckOrigin:     func(*http.Request) bool { return true },
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
	connection, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer connection.Close()
	connection.SetReadLimit(maxMessageBytes)
	message := make([]byte, 0, 512)
	for {
		kind, reader, err := connection.NextReader()
		if err != nil {
			return
		}
		if message, err = readMessage(reader, message); err != nil {
			return
		}
		if connection.WriteMessage(kind, message) != nil {
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
