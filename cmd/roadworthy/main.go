// Command roadworthy takes a web application to production by a written
// standard, and proves that it meets it.
//
// Its commands live in internal/cli, one file each; here is only the way in.
// A sandbox's process 1 is this same program, which is why the first line of
// main asks whether it is one. Read next: internal/cli.
package main

import (
	"io"
	"log"
	"os"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/cli"
)

func main() {
	sandbox.RunIfAgent()
	log.SetOutput(io.Discard) // net/http tells there what hostile applications send; nothing else uses it
	os.Exit(cli.Main(os.Args[1:], cli.System()))
}
