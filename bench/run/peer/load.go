package peer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"
)

const replyTime = 30 * time.Second // a request that takes longer has failed

// Load is a steady load: some clients, each on a connection that it keeps,
// with a pause before each request, one after another and not all at once. Unlike the client of net/http it repeats
// nothing: a request that was sent and not answered has failed. Like every
// client that keeps connections, it looks before it sends whether the server
// has closed the one it has, and opens another.
type Load struct {
	Address string
	Request string        // all bytes of a request
	Clients int           // connections
	Every   time.Duration // between the beginnings of two requests of a client
	Status  int           // wanted; 0 for 200
}

// Reply is one request and what came of it.
type Reply struct {
	At   time.Time // when it was sent
	Took time.Duration
	Body string
	Err  error // nil for a success
}

// Driving is a load on its way.
type Driving struct {
	load    Load
	mu      sync.Mutex
	replies []Reply
	stop    chan struct{}
	clients sync.WaitGroup
}

// Start begins a load.
func (l Load) Start() *Driving {
	d := &Driving{load: l, stop: make(chan struct{})}
	for i := range l.Clients {
		d.clients.Go(func() {
			select {
			case <-d.stop:
			case <-time.After(l.Every * time.Duration(i) / time.Duration(l.Clients)):
				d.client()
			}
		})
	}
	return d
}

// Stop ends it and returns all replies in the order in which they were sent.
func (d *Driving) Stop() []Reply {
	close(d.stop)
	d.clients.Wait()
	slices.SortFunc(d.replies, func(a, b Reply) int { return a.At.Compare(b.At) })
	return d.replies
}

// Since returns the replies that came after a time, in any order.
func (d *Driving) Since(at time.Time) []Reply {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []Reply
	for _, r := range slices.Backward(d.replies) {
		if end := r.At.Add(r.Took); end.After(at) {
			list = append(list, r)
		} else if at.Sub(end) > replyTime {
			break
		}
	}
	return list
}

func (d *Driving) client() {
	var conn *connection
	tick := time.NewTicker(d.load.Every)
	defer tick.Stop()
	for {
		select {
		case <-d.stop:
			conn.close()
			return
		case <-tick.C:
		}
		r := Reply{At: time.Now()}
		if conn.closed() {
			conn.close()
			conn, r.Err = dial(d.load.Address)
		}
		if r.Err == nil {
			r.Body, r.Err = conn.ask(d.load)
		}
		if r.Err != nil {
			conn.close()
			conn = nil
		}
		r.Took = time.Since(r.At)
		d.mu.Lock()
		d.replies = append(d.replies, r)
		d.mu.Unlock()
	}
}

// connection is one that is kept; nil is none.
type connection struct {
	*net.TCPConn
	reader *bufio.Reader
	last   bool // the server said that it closes it
}

func dial(address string) (*connection, error) {
	conn, err := (&net.Dialer{Timeout: replyTime}).Dial("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("connect: %T is no TCP", conn)
	}
	return &connection{TCPConn: tcp, reader: bufio.NewReader(tcp)}, nil
}

func (c *connection) close() {
	if c != nil {
		_ = c.Close()
	}
}

// closed tells whether nothing can be sent on it any more, as far as one sees.
func (c *connection) closed() bool {
	if c == nil || c.last {
		return true
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	over := false
	_ = raw.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		over = err == nil && n == 0 || err != nil && !errors.Is(err, syscall.EAGAIN)
	})
	return over
}

// ask sends a request and reads the whole reply.
func (c *connection) ask(l Load) (string, error) {
	_ = c.SetDeadline(time.Now().Add(replyTime))
	if _, err := io.WriteString(c, l.Request); err != nil {
		return "", fmt.Errorf("send: %w", err)
	}
	reply, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return "", fmt.Errorf("read the reply: %w", err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return "", fmt.Errorf("read the body: %w", err)
	}
	want := l.Status
	if want == 0 {
		want = http.StatusOK
	}
	if reply.StatusCode != want {
		return "", fmt.Errorf("status %d", reply.StatusCode)
	}
	c.last = reply.Close
	return string(body), nil
}

// Percentile returns how long the slowest but some of all replies took, such
// as 0.99 of them, and how many failed.
func Percentile(replies []Reply, of float64) (took time.Duration, failed int) {
	if len(replies) == 0 {
		return 0, 0
	}
	times := make([]time.Duration, len(replies))
	for i, r := range replies {
		times[i] = r.Took
		if r.Err != nil {
			failed++
		}
	}
	slices.Sort(times)
	return times[min(int(float64(len(times))*of), len(times)-1)], failed
}
