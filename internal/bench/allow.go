package bench

import (
	"os"
	"strings"
)

// Allow gives the command that makes the host allow sandboxes, as far as the
// host tells what stands in the way.
func Allow() string {
	if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
		return "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
	}
	if setting("/proc/sys/kernel/unprivileged_userns_clone") == "0" {
		return "sudo sysctl -w kernel.unprivileged_userns_clone=1"
	}
	if setting("/proc/sys/user/max_user_namespaces") == "0" {
		return "sudo sysctl -w user.max_user_namespaces=15000"
	}
	if _, err := os.Stat("/.dockerenv"); err == nil {
		return "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined …"
	}
	return "sudo roadworthy check"
}

func setting(path string) string {
	value, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(value))
}
