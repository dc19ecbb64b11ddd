package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// layers remembers where everything that is written ends up: folders of one
// tmpfs of limited size, reached by a file descriptor after the pivot.
type layers struct {
	root   string            // "/proc/self/fd/N": the tmpfs
	upper  map[string]string // folder inside the sandbox -> folder of the tmpfs
	before map[string]stamp  // what was there when the sandbox was ready
}

type mounter struct {
	request setupRequest
	root    string // the new root
	layers  *layers
	err     error
}

// mountAll builds the new root and enters it. The steps are in the order in
// which they depend on each other; the first failure ends them all.
func mountAll(request setupRequest) (*layers, error) {
	m := &mounter{request: request, root: request.Work + "/root", layers: &layers{upper: map[string]string{}}}
	m.mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	m.tmpfs()
	m.accounts()
	submounts := m.submounts()
	m.overlay("/", "/", "upper")
	for _, path := range submounts {
		m.submount(path)
	}
	m.homes()
	m.temporary()
	m.devices()
	m.application()
	m.mount("proc", m.root+"/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	for _, path := range request.Write {
		m.writable(path)
	}
	m.pivot()
	if m.err != nil {
		return nil, m.err
	}
	m.layers.before = m.layers.stamps()
	return m.layers, nil
}

func (m *mounter) try(what string, err error) {
	if m.err == nil && err != nil {
		m.err = fmt.Errorf("%s: %w", what, err)
	}
}

func (m *mounter) mount(source, target, kind string, flags uintptr, data string) {
	if m.err == nil {
		m.try("mount "+kind+" on "+target, unix.Mount(source, target, kind, flags, data))
	}
}

func (m *mounter) folder(path string, mode os.FileMode) string {
	if m.err == nil {
		m.try("make "+path, os.MkdirAll(path, mode))
		m.try("open "+path, os.Chmod(path, mode))
	}
	return path
}

func (m *mounter) file(path, content string) {
	m.folder(filepath.Dir(path), 0o755)
	if m.err == nil {
		m.try("write "+path, os.WriteFile(path, []byte(content), 0o644)) //nolint:gosec // /etc is for all to read
	}
}

// tmpfs is the one place that takes everything written, so that an
// application that fills the disk fills only this.
func (m *mounter) tmpfs() {
	size := m.request.DiskBytes
	if size == 0 {
		size = 1 << 30
	}
	m.mount("tmpfs", m.request.Work, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("mode=0755,size=%d", size))
	if m.err != nil {
		return
	}
	fd, err := unix.Open(m.request.Work, unix.O_DIRECTORY|unix.O_PATH|unix.O_CLOEXEC, 0)
	m.try("open the tmpfs", err)
	m.layers.root = fmt.Sprintf("/proc/self/fd/%d", fd)
	m.folder(m.root, 0o755)
}

// accounts writes the files of /etc that must differ from the host's.
func (m *mounter) accounts() {
	etc := m.request.Work + "/upper/etc"
	if m.request.Identity {
		return
	}
	passwd, _ := os.ReadFile("/etc/passwd")
	group, _ := os.ReadFile("/etc/group")
	m.file(etc+"/passwd", account(string(passwd), "app:x:1000:1000::/home/app:/bin/sh"))
	m.file(etc+"/group", account(string(group), "app:x:1000:"))
	if !m.request.Isolated {
		return
	}
	hosts := "127.0.0.1 localhost " + m.request.Hostname + "\n::1 localhost\n"
	for _, host := range m.request.Hosts {
		hosts += host.Address + " " + host.Name + "\n"
	}
	m.file(etc+"/hosts", hosts)
	m.file(etc+"/hostname", m.request.Hostname+"\n")
	// A link into /run, as resolved makes it, would dangle: the file replaces it.
	if m.request.Resolver != "" {
		m.file(etc+"/resolv.conf", "nameserver "+m.request.Resolver+"\noptions timeout:2 attempts:2\n")
	}
}

// account replaces whoever holds the application's id.
func account(file, line string) string {
	var out strings.Builder
	for row := range strings.Lines(file) {
		fields := strings.Split(row, ":")
		if len(fields) > 2 && fields[2] != "1000" && fields[0] != "app" {
			out.WriteString(strings.TrimSuffix(row, "\n") + "\n")
		}
	}
	return out.String() + line + "\n"
}

// overlay puts a writable layer over lower at the path inside.
func (m *mounter) overlay(lower, inside, name string) {
	upper, work := m.request.Work+"/"+name, m.request.Work+"/"+name+".work"
	m.folder(upper, 0o755)
	m.folder(work, 0o755)
	options := "lowerdir=" + escape(lower) + ",upperdir=" + escape(upper) + ",workdir=" + escape(work)
	if !m.request.Identity {
		options += ",userxattr"
	}
	m.mount("overlay", filepath.Join(m.root, inside), "overlay", unix.MS_NOSUID|unix.MS_NODEV, options)
	m.layers.upper[inside] = name
}

func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `:`, `\:`).Replace(path)
}

// masked folders get something of their own below, whatever the host mounts there.
var masked = []string{"/proc", "/sys", "/dev", "/tmp", "/run", "/var/tmp", "/var/run", "/root", "/home", "/boot", "/mnt", "/media"}

func under(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

// submounts lists the host's other file systems: an overlay of / does not see them.
func (m *mounter) submounts() []string {
	file, err := os.Open("/proc/self/mountinfo")
	m.try("list the mounts", err)
	if err != nil {
		return nil
	}
	defer file.Close()
	var paths []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text()) // proc(5): the mount point is the fifth
		if len(fields) < 5 || fields[4] == "/" {
			continue
		}
		path := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(fields[4])
		if info, err := os.Stat(path); err == nil && info.IsDir() && !under(path, masked) && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// submount shows another file system of the host, read-only where no overlay fits.
func (m *mounter) submount(path string) {
	if m.err != nil {
		return
	}
	target := m.root + path
	if info, err := os.Stat(target); err != nil || !info.IsDir() {
		return
	}
	m.overlay(path, path, "mount"+strings.ReplaceAll(path, "/", "-"))
	if m.err != nil {
		m.err = nil
		delete(m.layers.upper, path)
		_ = unix.Mount(path, target, "", unix.MS_BIND, "")
		_ = unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID, "")
	}
}

// homes hides the home folders, where keys and tokens lie, except the
// toolchains in them that the PATH of commands names.
func (m *mounter) homes() {
	if m.request.Identity {
		m.bindOver("/root", "/root")
		m.bindOver("/home", "/home")
		return
	}
	for _, home := range []string{"/root", "/home"} {
		if m.err != nil || !isFolder(m.root+home) {
			continue
		}
		m.fresh(home, "home"+strings.ReplaceAll(home, "/", "-"), 0o755)
	}
	m.own(m.folder(m.root+"/home/app", 0o755))
	for _, path := range m.request.Reveal {
		if isFolder(path) {
			m.folder(m.root+path, 0o755)
			m.mount(path, m.root+path, "", unix.MS_BIND|unix.MS_REC, "")
			_ = unix.Mount("", m.root+path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "")
		}
	}
}

// bindOver shows a host folder as it is.
func (m *mounter) bindOver(path, inside string) {
	if isFolder(path) && isFolder(m.root+inside) {
		m.mount(path, m.root+inside, "", unix.MS_BIND|unix.MS_REC, "")
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// fresh puts an empty folder of the tmpfs at a path inside.
func (m *mounter) fresh(inside, name string, mode os.FileMode) {
	source := m.folder(m.request.Work+"/"+name, mode)
	m.folder(m.root+inside, 0o755)
	m.mount(source, m.root+inside, "", unix.MS_BIND, "")
	m.layers.upper[inside] = name
	if m.err == nil {
		m.try("open "+inside, os.Chmod(m.root+inside, mode))
	}
}

// own gives a folder to the application's user.
func (m *mounter) own(path string) {
	if m.err == nil && !m.request.Nested && !m.request.Identity {
		m.try("give away "+path, os.Chown(path, AppUID, AppUID))
	}
}

func (m *mounter) temporary() {
	const sticky = os.ModeSticky | 0o777
	m.fresh("/tmp", "tmp", sticky)
	m.fresh("/run", "run", sticky)
	m.fresh("/var/tmp", "vartmp", sticky)
	m.fresh("/dev", "dev", 0o755)
	m.fresh("/dev/shm", "shm", sticky)
}

func (m *mounter) devices() {
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		if _, err := os.Stat("/dev/" + name); err != nil {
			continue
		}
		m.file(m.root+"/dev/"+name, "")
		m.mount("/dev/"+name, m.root+"/dev/"+name, "", unix.MS_BIND, "")
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"} {
		if m.err == nil {
			m.try("link /dev/"+name, os.Symlink(target, m.root+"/dev/"+name))
		}
	}
}

func (m *mounter) application() {
	m.folder(m.root+AppDir, 0o755)
	switch {
	case m.request.App == "":
		m.fresh(AppDir, "app", 0o755)
		m.own(m.root + AppDir)
	case m.request.Keep:
		m.mount(m.request.App, m.root+AppDir, "", unix.MS_BIND, "")
	default:
		m.overlay(m.request.App, AppDir, "app")
		m.own(m.root + AppDir)
	}
}

// writable shows a host folder as it is, for the caches of builds.
func (m *mounter) writable(path string) {
	if m.err == nil && isFolder(path) {
		m.folder(m.root+path, 0o755)
		m.mount(path, m.root+path, "", unix.MS_BIND|unix.MS_REC, "")
	}
}

// pivot makes the new root the only one.
func (m *mounter) pivot() {
	if m.err != nil {
		return
	}
	m.try("enter the new root", unix.Chdir(m.root))
	m.try("pivot to the new root", unix.PivotRoot(".", "."))
	m.try("leave the old root", unix.Unmount(".", unix.MNT_DETACH))
	m.try("stand in the new root", unix.Chdir("/"))
	if errors.Is(m.err, syscall.EINVAL) {
		m.err = fmt.Errorf("%w (the host's root is not a mount of its own)", m.err)
	}
}
