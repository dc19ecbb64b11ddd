package main

import (
	"net/http"
	"os"
	"sync"
)

var lock sync.Mutex

//go:noinline
func stuckHere() {
	lock.Lock()
	lock.Lock() // STUCK
}

func main() {
	http.HandleFunc("/", func(http.ResponseWriter, *http.Request) { println("HANGING"); stuckHere() })
	if err := http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil); err != nil {
		panic(err)
	}
}
