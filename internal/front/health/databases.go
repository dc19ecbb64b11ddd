package health

import (
	"bufio"
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
)

// FromURL returns the check for a dependency's URL: postgres, mysql, mariadb,
// redis, rediss, http, https and tcp are known. Errors never show the URL.
func FromURL(name, address string) (Check, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Check{}, fmt.Errorf("health check %q: not a URL", name)
	}
	switch u.Scheme {
	case "postgres", "postgresql":
		return Postgres(name, address)
	case "mysql", "mariadb":
		return MySQL(name, u)
	case "redis", "rediss":
		return Redis(name, u), nil
	case "http", "https":
		return HTTP(name, address)
	case "tcp":
		return TCP(name, u.Host), nil
	}
	return Check{}, fmt.Errorf("health check %q: the scheme %q is not known", name, u.Scheme)
}

// Postgres connects, asks SELECT 1 and disconnects.
func Postgres(name, address string) (Check, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return Check{}, fmt.Errorf("health check %q: not a PostgreSQL URL", name)
	}
	ask := func(ctx context.Context) (Observed, error) {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return Observed{}, fmt.Errorf("connect: %w", err)
		}
		var one int
		err = conn.QueryRow(ctx, "SELECT 1").Scan(&one)
		return Observed{}, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	return Check{Name: name, Component: "datastore", Ask: ask, Secrets: []string{config.Password}}, nil
}

// MySQL connects to MySQL or MariaDB, asks SELECT 1 and disconnects.
func MySQL(name string, u *url.URL) (Check, error) {
	config := mysql.NewConfig()
	config.Net, config.Addr, config.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	if u.Port() == "" {
		config.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	if socket := u.Query().Get("socket"); socket != "" {
		config.Net, config.Addr = "unix", socket
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return Check{}, fmt.Errorf("health check %q: not a MySQL URL", name)
	}
	ask := func(ctx context.Context) (Observed, error) {
		db := sql.OpenDB(connector)
		defer func() { _ = db.Close() }()
		var one int
		if err := db.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
			return Observed{}, fmt.Errorf("ask: %w", err)
		}
		return Observed{}, nil
	}
	return Check{Name: name, Component: "datastore", Ask: ask, Secrets: []string{config.Passwd}}, nil
}

// Redis connects, authenticates when the URL has a password, and sends PING.
func Redis(name string, u *url.URL) Check {
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "6379")
	}
	secret, _ := u.User.Password()
	ask := func(ctx context.Context) (Observed, error) {
		conn, err := dialRedis(ctx, address, u)
		if err != nil {
			return Observed{}, fmt.Errorf("connect: %w", err)
		}
		defer conn.Close()
		if deadline, ok := ctx.Deadline(); ok {
			_ = conn.SetDeadline(deadline) // a connection that refuses one fails below
		}
		reader := bufio.NewReader(io.LimitReader(conn, 4<<10))
		if secret != "" {
			words := []string{"AUTH", secret}
			if user := u.User.Username(); user != "" {
				words = []string{"AUTH", user, secret}
			}
			if err := redisSay(conn, reader, "+OK", words...); err != nil {
				return Observed{}, err
			}
		}
		return Observed{}, redisSay(conn, reader, "+PONG", "PING")
	}
	return Check{Name: name, Component: "datastore", Ask: ask, Secrets: []string{secret}}
}

func dialRedis(ctx context.Context, address string, u *url.URL) (net.Conn, error) {
	if u.Scheme == "rediss" {
		return (&tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}}).DialContext(ctx, "tcp", address) //nolint:wrapcheck // the caller says what was tried
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address) //nolint:wrapcheck // the caller says what was tried
}

// redisSay sends one command as an array of bulk strings (RESP, version 2).
func redisSay(w io.Writer, r *bufio.Reader, want string, words ...string) error {
	var b strings.Builder
	b.WriteString("*" + strconv.Itoa(len(words)) + "\r\n")
	for _, word := range words {
		b.WriteString("$" + strconv.Itoa(len(word)) + "\r\n" + word + "\r\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("send %s: %w", words[0], err)
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return fmt.Errorf("await the answer to %s: %w", words[0], err)
	}
	if line = strings.TrimSpace(line); line != want {
		return fmt.Errorf("%s was answered with %q", words[0], line)
	}
	return nil
}
