// Command hang is a server that hangs on /hang.
package main

import (
	"net/http"
	"os"
	"strings"
	"sync"
)

var lock sync.Mutex

//go:noinline
func stuckHere() {
	lock.Lock()
	lock.Lock() // STUCK
}

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/hang") {
			stuckHere()
		}
		_, _ = w.Write([]byte("hello"))
	})
	if err := http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil); err != nil {
		panic(err)
	}
}
