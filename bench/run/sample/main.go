// Command sample is the application that the programs below bench/run serve: it
// answers each request with its process id and some letters, 100 bytes in all.
//
// It is written with package app. With SAMPLE=plain it is a bare server in its
// place that knows nothing of production: it drops everything on SIGTERM. A
// bare server writes lines, too: POST /lines?count=N answers at once and then
// writes N lines of 132 bytes to standard output, as fast as it can. With
// SAMPLE=lines it only writes $COUNT of them, and ends.
//
// It must not grow: what is measured is what stands around it.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/app"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/", hello)
	mux.HandleFunc("POST /lines", func(_ http.ResponseWriter, r *http.Request) {
		count, _ := strconv.Atoi(r.URL.Query().Get("count"))
		go write(count) // ends with the process at the latest
	})
	switch os.Getenv("SAMPLE") {
	case "plain":
		server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: mux, ReadHeaderTimeout: time.Minute}
		if err := server.ListenAndServe(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1) //nolint:forbidigo // this is a main
		}
	case "lines":
		count, _ := strconv.Atoi(os.Getenv("COUNT"))
		write(count)
	default:
		app.Main("sample", &struct{}{}, func(*app.App) (http.Handler, error) { return mux, nil })
	}
}

func hello(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	text := strconv.Itoa(os.Getpid()) + " "
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, text+strings.Repeat("x", 100-len(text)))
}

// write writes lines as a program with a buffer does, 8,000 at once at most.
func write(count int) {
	const most = 8000
	var piece strings.Builder
	for i := range most {
		head := fmt.Sprintf("2024-01-02 15:04:05,%03d INFO [worker-%d] com.example.Shop - order %d was paid ", i%1000, i%8, i)
		piece.WriteString(head + strings.Repeat("x", 131-len(head)) + "\n")
	}
	text := []byte(piece.String())
	for count > 0 {
		n := min(count, most)
		_, _ = os.Stdout.Write(text[:n*132])
		count -= n
	}
}
