//go:build !linux

package syslog

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// setUserTimeout does nothing: the option is Linux's.
func setUserTimeout(*net.TCPConn, time.Duration) {}

// unacknowledged cannot be told here: nothing is sent again.
func (*link) unacknowledged() int { return 0 }

func isWrongType(err error) bool { return errors.Is(err, syscall.EPROTOTYPE) }
