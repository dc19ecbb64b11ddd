package scratch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
)

// dialer makes one connection to a service.
type dialer = func(context.Context) (net.Conn, error)

// CheckQuery is the positive control of a service: it connects by dial, logs in
// with the database's credentials and asks for something trivial (SELECT 1,
// PING, GET /). A nil dial is db.Dial; a bench passes the one that goes through
// its proxy. An HTTP stub does not record it. For SQLite nothing is dialled: the file must be absent, empty or
// begin as the format says (sqlite.org/fileformat.html section 1.3). It is
// bounded by ctx alone.
func CheckQuery(ctx context.Context, db *Database, dial func(context.Context) (net.Conn, error)) error {
	if dial == nil {
		dial = db.Dial
	}
	var err error
	switch db.Kind {
	case Postgres:
		err = queryPostgres(ctx, db, dial)
	case MariaDB:
		err = queryMariaDB(ctx, db, dial)
	case Redis:
		err = askRedis(ctx, dial, db.Password, "PING", "+PONG")
	case SQLite:
		err = querySQLite(db.Path)
	case HTTP:
		err = queryHTTP(ctx, dial)
	default:
		err = fmt.Errorf("%q is not a kind of service", db.Kind)
	}
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err) // a cut connection alone would not say who cut it
	}
	if err != nil {
		return fmt.Errorf("check %s by a query: %w", db.Kind, err)
	}
	return nil
}

func queryPostgres(ctx context.Context, db *Database, dial dialer) error {
	conn, err := connectPostgres(ctx, db.User, db.Password, db.Name, dial)
	if err != nil {
		return err
	}
	var one int
	err = conn.QueryRow(ctx, "SELECT 1").Scan(&one)
	return errors.Join(err, conn.Close(ctx))
}

func queryMariaDB(ctx context.Context, db *Database, dial dialer) error {
	handle, err := openMariaDB(db.User, db.Password, db.Name, dial)
	if err != nil {
		return err
	}
	var one int
	err = handle.QueryRowContext(ctx, "SELECT 1").Scan(&one)
	return errors.Join(err, handle.Close())
}

func querySQLite(path string) error {
	const magic = "SQLite format 3\x00"
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	start := make([]byte, len(magic))
	n, err := io.ReadFull(f, start)
	if n == 0 && errors.Is(err, io.EOF) {
		return nil
	}
	if string(start[:n]) != magic {
		return errors.New("the file is not an SQLite database")
	}
	return nil
}

func queryHTTP(ctx context.Context, dial dialer) error {
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: stub\r\n"+controlHeader+": 1\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	if err := reply.Body.Close(); err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("the stub answered %s", reply.Status)
	}
	return nil
}
