//go:build !linux

package logs

import (
	"fmt"
	"os"
)

// NewPipe returns a pipe for one stream of one process: the read end for
// [NewCapture], the write end for the process.
func NewPipe() (read, write *os.File, err error) {
	read, write, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	return read, write, nil
}
