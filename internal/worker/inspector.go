package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/websocket"
)

// dumpNode opens the inspector of a Node process with SIGUSR1, which works
// while its event loop is stuck, pauses the script, and reads the call frames.
// See chromedevtools.github.io/devtools-protocol, domain Debugger.
func dumpNode(ctx context.Context, s *Supervisor, p *process, pid int) (string, error) {
	if !catches(pid, int(syscall.SIGUSR1)) {
		return "", errNoHandler
	}
	if err := p.signalOne(pid, syscall.SIGUSR1); err != nil {
		return "", err
	}
	address, err := findInspector(ctx, s.config.Clock, pid, p.backend.Address)
	if err != nil {
		return "", err
	}
	config, err := websocket.NewConfig(address, "http://127.0.0.1")
	if err != nil {
		return "", fmt.Errorf("read the inspector's address: %w", err)
	}
	conn, err := config.DialContext(ctx)
	if err != nil {
		return "", fmt.Errorf("reach the inspector: %w", err)
	}
	hangUp := func() { _ = conn.Close() } // the dump is what counts
	defer hangUp()
	stop := context.AfterFunc(ctx, hangUp)
	defer stop()
	return pausedStack(conn)
}

// findInspector waits until the process listens with an inspector.
func findInspector(ctx context.Context, clock Clock, pid int, app string) (string, error) {
	client := http.Client{Timeout: 500 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		for _, address := range listening(pid) {
			if address == app {
				continue // the application's own port, which may hang
			}
			if found, err := askInspector(ctx, &client, address); err == nil {
				return found, nil
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("wait for the inspector: %w", ctx.Err())
		case <-clock.After(10 * time.Millisecond):
		}
	}
}

func askInspector(ctx context.Context, client *http.Client, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/json/list", nil)
	if err != nil {
		return "", err
	}
	reply, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	var targets []struct {
		URL string `json:"webSocketDebuggerUrl"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, reply.Body, 1<<16)).Decode(&targets); err != nil {
		return "", err
	}
	if len(targets) == 0 || targets[0].URL == "" {
		return "", errors.New("it has no target")
	}
	return targets[0].URL, nil
}

// listening returns the loopback addresses on which a process listens, from
// /proc/net/tcp and its descriptors.
func listening(pid int) []string {
	inodes := map[string]bool{}
	links, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fd/*")
	for _, link := range links {
		target, err := os.Readlink(link)
		if inode, ok := strings.CutPrefix(target, "socket:["); ok && err == nil {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	var list []string
	for line := range strings.Lines(readProc(pid, "net/tcp")) {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != "0A" || !inodes[f[9]] { // 0A is LISTEN
			continue
		}
		if _, port, ok := strings.Cut(f[1], ":"); ok {
			if n, err := strconv.ParseUint(port, 16, 16); err == nil {
				list = append(list, net.JoinHostPort("127.0.0.1", strconv.FormatUint(n, 10)))
			}
		}
	}
	return list
}

// pausedStack pauses the script and formats its frames as V8 does.
func pausedStack(conn *websocket.Conn) (string, error) {
	for i, method := range []string{"Debugger.enable", "Debugger.pause"} {
		if err := websocket.JSON.Send(conn, map[string]any{"id": i + 1, "method": method}); err != nil {
			return "", fmt.Errorf("ask the inspector: %w", err)
		}
	}
	scripts := map[string]string{} // script id → address, as Debugger.enable tells them
	for {
		var event struct {
			Method string `json:"method"`
			Params struct {
				Script string `json:"scriptId"`
				URL    string `json:"url"`
				Frames []struct {
					Function string `json:"functionName"`
					Location struct {
						Script string `json:"scriptId"`
						Line   int    `json:"lineNumber"`
						Column int    `json:"columnNumber"`
					} `json:"location"`
				} `json:"callFrames"`
			} `json:"params"`
		}
		if err := websocket.JSON.Receive(conn, &event); err != nil {
			return "", fmt.Errorf("wait until the script pauses (if its event loop is idle, there is no stack): %w", err)
		}
		if event.Method == "Debugger.scriptParsed" {
			scripts[event.Params.Script] = strings.TrimPrefix(event.Params.URL, "file://")
		}
		if event.Method != "Debugger.paused" {
			continue
		}
		var b strings.Builder
		for _, f := range event.Params.Frames {
			if f.Function == "" {
				f.Function = "<anonymous>"
			}
			fmt.Fprintf(&b, "    at %s (%s:%d:%d)\n", f.Function, scripts[f.Location.Script], f.Location.Line+1, f.Location.Column+1)
		}
		_ = websocket.JSON.Send(conn, map[string]any{"id": 3, "method": "Debugger.resume"}) // it is ended next anyway
		return b.String(), nil
	}
}
