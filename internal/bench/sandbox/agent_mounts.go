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
	app    string            // the same for the artifact as it was; "" for none
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
	m.hostFolders()
	m.homes()
	m.temporary()
	m.tool()
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
	if m.err == nil && !isFolder(path) {
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
	m.layers.root = m.held(m.request.Work)
	if m.request.App != "" {
		m.layers.app = m.held(m.request.App)
	}
	m.folder(m.root, 0o755)
	m.mount(m.root, m.root, "", unix.MS_BIND, "") // a pivot needs a mount point
}

// held keeps a folder reachable after the pivot.
func (m *mounter) held(path string) string {
	fd, err := unix.Open(path, unix.O_DIRECTORY|unix.O_PATH|unix.O_CLOEXEC, 0)
	m.try("open "+path, err)
	return fmt.Sprintf("/proc/self/fd/%d", fd)
}

// accounts writes the files of /etc that must differ from the host's.
func (m *mounter) accounts() {
	etc := m.request.Work + "/" + layerName("/etc")
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
	hosts := []string{"127.0.0.1 localhost " + m.request.Hostname, "::1 localhost"}
	for _, host := range m.request.Hosts {
		hosts = append(hosts, host.Address+" "+host.Name)
	}
	m.file(etc+"/hosts", strings.Join(hosts, "\n")+"\n")
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
	if inside == "/var" { // the host's belongs to a root that is nobody here, and databases are made in it
		m.folder(upper+"/lib", 0o755)
	}
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

// hostFolders shows the host's folders through overlays. One overlay of the
// whole root is refused in a user namespace: the mounts below it are locked
// (mount_namespaces(7)), so each folder without mounts below it gets its own.
func (m *mounter) hostFolders() {
	mounts, err := mountPoints()
	m.try("list the mounts", err)
	m.children("/", mounts)
	for _, folder := range []string{"/proc", "/sys", "/dev", "/tmp", "/run", "/var/tmp", "/home"} {
		m.folder(m.root+folder, 0o755)
	}
}

func (m *mounter) children(parent string, mounts []string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return // what we may not list, the application may not read either
	}
	for _, entry := range entries {
		path := filepath.Join(parent, entry.Name())
		switch {
		case m.err != nil || under(path, masked):
		case entry.Type()&os.ModeSymlink != 0:
			if target, err := os.Readlink(path); err == nil {
				m.try("link "+path, os.Symlink(target, m.root+path))
			}
		case entry.IsDir():
			m.hostFolder(path, mounts)
		}
	}
}

func (m *mounter) hostFolder(path string, mounts []string) {
	m.folder(m.root+path, 0o755)
	below := slices.ContainsFunc(mounts, func(mount string) bool { return strings.HasPrefix(mount, path+"/") })
	switch {
	case path == "/etc" && below: // containers mount single files there
		m.try("copy /etc", copySmallFiles(path, m.request.Work+"/"+layerName(path)))
		m.fresh(path, layerName(path), 0o755)
	case below:
		m.children(path, mounts)
	default:
		m.overlay(path, path, layerName(path))
		if m.err != nil && path != "/usr" && path != "/etc" { // a file system that cannot be a lower layer
			m.err = nil
			delete(m.layers.upper, path)
			_ = unix.Mount(path, m.root+path, "", unix.MS_BIND|unix.MS_REC, "")
			_ = unix.Mount("", m.root+path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "")
		}
	}
}

func layerName(path string) string { return "up" + strings.ReplaceAll(path, "/", "-") }

// mountPoints lists where the host's file systems are mounted.
func mountPoints() ([]string, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var paths []string
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 { // proc(5): the mount point is the fifth
			paths = append(paths, unescape.Replace(fields[4]))
		}
	}
	return paths, lines.Err()
}

// copySmallFiles copies what can be read; it does not overwrite.
func copySmallFiles(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		target := to + strings.TrimPrefix(path, from)
		if err != nil {
			return nil //nolint:nilerr // what we may not read, the application may not either
		}
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755) //nolint:gosec // for all to read
		}
		if _, err := os.Lstat(target); err == nil {
			return nil
		}
		if entry.Type()&os.ModeSymlink != 0 {
			link, err := os.Readlink(path)
			if err != nil {
				return nil //nolint:nilerr // it vanished
			}
			return os.Symlink(link, target) //nolint:gosec // nothing runs in here yet
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > 4<<20 {
			return nil //nolint:nilerr // it vanished
		}
		data, err := os.ReadFile(path) //nolint:gosec // nothing runs in here yet
		if err != nil {
			return nil //nolint:nilerr // unreadable for us
		}
		return os.WriteFile(target, data, info.Mode().Perm()) //nolint:gosec // nothing runs in here yet
	})
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

// tool shows the program that runs the application, if it is one of ours.
func (m *mounter) tool() {
	if m.request.Tool == "" {
		return
	}
	m.folder(m.root+filepath.Dir(ToolPath), 0o755)
	m.file(m.root+ToolPath, "")
	m.mount(m.request.Tool, m.root+ToolPath, "", unix.MS_BIND, "")
	_ = unix.Mount("", m.root+ToolPath, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "")
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
