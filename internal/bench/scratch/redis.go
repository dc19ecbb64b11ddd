package scratch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

const (
	redisSocket = "s"
	redisDump   = "dump.rdb"
)

// redisServer makes one redis-server for each Provision. One process with an
// account each would not do: databases of one process share FLUSHALL, CONFIG,
// channels and memory, and a plain redis://:password@host URL knows only the
// user "default".
type redisServer struct {
	o       Options
	cred    *syscall.Credential
	program string
	folder  string // holds templates; instances have folders beside it

	mu        sync.Mutex
	closed    bool
	instances map[*Database]*child
}

// StartRedis prepares Redis; a process is started by each Provision. Valkey is
// taken where there is no Redis.
func StartRedis(_ context.Context, o Options) (Server, error) {
	program, err := findRedis()
	if err != nil {
		return nil, err
	}
	cred, err := o.credential()
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	folder, err := newSocketFolder(o.Dir, "r", redisSocket, nil)
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	return &redisServer{o: o, cred: cred, program: program, folder: folder, instances: map[*Database]*child{}}, nil
}

// Provision implements [Server]: a process of its own. The database number is
// "0"; the password belongs to the user "default".
func (s *redisServer) Provision(ctx context.Context) (*Database, error) {
	return s.provision(ctx, nil)
}

// ProvisionFrom implements [Server]: the process loads the template's RDB file
// before it answers.
func (s *redisServer) ProvisionFrom(ctx context.Context, t *Template) (*Database, error) {
	if err := t.own(s); err != nil {
		return nil, fmt.Errorf("provision redis: %w", err)
	}
	content, err := os.ReadFile(t.name)
	if err != nil {
		return nil, fmt.Errorf("provision redis: %w", err)
	}
	return s.provision(ctx, content)
}

func (s *redisServer) provision(ctx context.Context, content []byte) (*Database, error) {
	folder, err := newSocketFolder(s.o.Dir, "r", redisSocket, s.cred)
	if err != nil {
		return nil, fmt.Errorf("provision redis: %w", err)
	}
	d := &Database{
		Kind: Redis, Password: randomPassword(), Name: "0", server: s, socket: filepath.Join(folder, redisSocket),
	}
	if content != nil {
		err = writeSecret(filepath.Join(folder, redisDump), string(content), s.cred)
	}
	var ch *child
	if err == nil {
		ch, err = s.start(ctx, d, folder)
	}
	if err != nil {
		return nil, fmt.Errorf("provision redis: %w", errors.Join(err, os.RemoveAll(folder)))
	}
	d.release = func() error {
		s.mu.Lock()
		delete(s.instances, d)
		s.mu.Unlock()
		return errors.Join(ch.stop(syscall.SIGKILL), os.RemoveAll(folder))
	}
	s.mu.Lock()
	closed := s.closed
	s.instances[d] = ch
	s.mu.Unlock()
	if closed {
		return nil, fmt.Errorf("provision redis: %w", errors.Join(ErrClosed, d.Close()))
	}
	return d, nil
}

// start starts one redis-server. Its configuration, with the password, comes
// through standard input, so that no argument and no file holds it.
func (s *redisServer) start(ctx context.Context, d *Database, folder string) (*child, error) {
	ch, err := start(ctx, command{
		program: s.program, args: []string{"-"}, dir: folder, log: s.o.log(), cred: s.cred,
		stdin: strings.NewReader(strings.Join([]string{
			"port 0", "unixsocket " + d.socket, "unixsocketperm 700", "requirepass " + d.Password,
			"dir " + folder, "dbfilename " + redisDump, `save ""`, "appendonly no", "daemonize no", "",
		}, "\n")),
	}, true)
	if err != nil {
		return nil, err
	}
	err = ch.ready(ctx, func(ctx context.Context) error { return CheckQuery(ctx, d, nil) })
	if err != nil {
		return nil, errors.Join(err, ch.stop(syscall.SIGKILL))
	}
	return ch, nil
}

// Snapshot implements [Server]: the RDB file of this moment.
func (s *redisServer) Snapshot(ctx context.Context, d *Database) (*Template, error) {
	if err := d.belongs(s); err != nil {
		return nil, fmt.Errorf("snapshot redis: %w", err)
	}
	if err := askRedis(ctx, d.Dial, d.Password, "SAVE", "+OK"); err != nil {
		return nil, fmt.Errorf("snapshot redis: %w", err)
	}
	content, err := os.ReadFile(filepath.Join(filepath.Dir(d.socket), redisDump))
	if err != nil {
		return nil, fmt.Errorf("snapshot redis: %w", err)
	}
	t := &Template{server: s, name: filepath.Join(s.folder, randomName("t"))}
	if err := writeSecret(t.name, string(content), nil); err != nil {
		return nil, fmt.Errorf("snapshot redis: %w", err)
	}
	return t, nil
}

// Close implements [Server].
func (s *redisServer) Close() error {
	s.mu.Lock()
	s.closed = true
	var open []*Database
	for d := range s.instances {
		open = append(open, d)
	}
	s.mu.Unlock()
	var errs []error
	for _, d := range open {
		errs = append(errs, d.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.folder))...)
}

// askRedis logs in, gives one command and compares the first line of its
// reply. Commands and replies are those of RESP; a command of plain words may
// be given as one line.
func askRedis(ctx context.Context, dial dialer, password, command, want string) error {
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := fmt.Fprintf(conn, "AUTH %s\r\n%s\r\n", password, command); err != nil {
		return fmt.Errorf("ask redis: %w", err)
	}
	return expectLines(conn, "+OK", want)
}

// expectLines reads one line for each of want. No line may be longer than 1 KiB.
func expectLines(conn net.Conn, want ...string) error {
	var buffer []byte
	chunk := make([]byte, 512)
	for _, expected := range want {
		for !strings.Contains(string(buffer), "\r\n") {
			n, err := conn.Read(chunk)
			buffer = append(buffer, chunk[:n]...)
			if err != nil {
				return fmt.Errorf("read reply of redis: %w", err)
			}
			if len(buffer) > 1<<10 {
				return errors.New("read reply of redis: line too long")
			}
		}
		line, rest, _ := strings.Cut(string(buffer), "\r\n")
		if line != expected {
			return fmt.Errorf("redis answered %q, not %q", line, expected)
		}
		buffer = []byte(rest)
	}
	return nil
}
