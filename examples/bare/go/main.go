// A web application of twenty lines that knows nothing of production.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, os.Getenv("GREETING")) })
	http.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(1500 * time.Millisecond)
		io.WriteString(w, "slow")
	})
	http.HandleFunc("GET /fault", func(http.ResponseWriter, *http.Request) { panic("the fault that was asked for") })
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
