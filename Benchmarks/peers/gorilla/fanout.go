// The fan-out contract on gorilla/websocket: every connection is subscribed when it opens; at `go`,
// locked threads write each message, prepared once, to all connections; or, with --direct, each message
// to each connection as if it were for that one only.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/gorilla/websocket"
)

var (
	port       = flag.Int("port", 0, "")
	messages   = flag.Int("messages", 1, "")
	size       = flag.Int("size", 64, "of a payload, in bytes")
	threads    = flag.Int("threads", 1, "")
	topics     = flag.Int("topics", 1, "")
	intervalUS = flag.Int("interval-us", 0, "between two messages")
	direct     = flag.Bool("direct", false, "each message by itself to each connection")
	sendBuffer = flag.Int("send-buffer", 0, "of the kernel, in bytes")
)

// A connection takes one writer at a time.
type client struct {
	writing    sync.Mutex
	connection *websocket.Conn
}

type topic struct {
	guard       sync.RWMutex
	subscribers map[*client]struct{}
}

var (
	all        []*topic
	everyone   = newTopic() // with --direct
	publishing int32
	upgrader   = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
)

func newTopic() *topic {
	return &topic{subscribers: map[*client]struct{}{}}
}

func (t *topic) subscribe(c *client) {
	t.guard.Lock()
	t.subscribers[c] = struct{}{}
	t.guard.Unlock()
}

func (t *topic) unsubscribe(c *client) {
	t.guard.Lock()
	delete(t.subscribers, c)
	t.guard.Unlock()
}

// Whoever cannot be written to is removed by its reader.
func (t *topic) publish(payload []byte) {
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, payload)
	if err != nil {
		log.Fatal(err)
	}
	t.guard.RLock()
	defer t.guard.RUnlock()
	for c := range t.subscribers {
		c.writing.Lock()
		_ = c.connection.WritePreparedMessage(message)
		c.writing.Unlock()
	}
}

func (t *topic) sendToEach(payload []byte) {
	t.guard.RLock()
	defer t.guard.RUnlock()
	for c := range t.subscribers {
		c.writing.Lock()
		_ = c.connection.WriteMessage(websocket.TextMessage, payload)
		c.writing.Unlock()
	}
}

// The clock of the payloads: time.Now() does not give the kernel's CLOCK_MONOTONIC.
func monotonicNanoseconds() int64 {
	var now syscall.Timespec
	const clockMonotonic = 1
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&now)), 0)
	return now.Nano()
}

// The messages of one thread: every threads-th.
func publishShare(first int, began time.Time) {
	runtime.LockOSThread()
	defer atomic.AddInt32(&publishing, -1)
	filler := strings.Repeat("x", *size-24)
	for i := first; i < *messages; i += *threads {
		if *intervalUS > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(i**intervalUS) * time.Microsecond)))
		}
		payload := []byte(fmt.Sprintf("%016x%08x%s", monotonicNanoseconds(), i, filler))
		if *direct {
			everyone.sendToEach(payload)
		} else {
			all[0].publish(payload)
		}
	}
}

func serve(w http.ResponseWriter, r *http.Request) {
	connection, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer connection.Close()
	if tcp, ok := connection.UnderlyingConn().(*net.TCPConn); ok && *sendBuffer > 0 {
		_ = tcp.SetWriteBuffer(*sendBuffer)
	}
	c := &client{connection: connection}
	if *direct {
		everyone.subscribe(c)
		defer everyone.unsubscribe(c)
	}
	for _, t := range all {
		t.subscribe(c)
		defer t.unsubscribe(c)
	}
	for {
		_, message, err := connection.ReadMessage()
		if err != nil {
			return
		}
		if string(message) == "go" && atomic.CompareAndSwapInt32(&publishing, 0, int32(*threads)) {
			began := time.Now()
			for i := 0; i < *threads; i++ {
				go publishShare(i, began)
			}
		}
	}
}

func main() {
	flag.Parse()
	if *port == 0 || *threads < 1 || *size < 32 {
		flag.Usage()
		os.Exit(2)
	}
	for i := 0; i < *topics; i++ {
		all = append(all, newTopic())
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening")
	go func() { log.Fatal(http.Serve(listener, http.HandlerFunc(serve))) }()
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	<-terminate
}
