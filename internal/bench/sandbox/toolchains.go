package sandbox

import (
	"path/filepath"
	"strings"
)

// Toolchains returns the folders below home folders that a PATH needs, such
// as "/home/ann/.nvm": two levels below the home, where version managers put
// what their programs belong to.
func Toolchains(path string) []string {
	var folders []string
	for folder := range strings.SplitSeq(path, ":") {
		parts := strings.Split(filepath.Clean(folder), "/")
		switch {
		case len(parts) > 2 && parts[1] == "root":
			folders = append(folders, strings.Join(parts[:3], "/"))
		case len(parts) > 3 && parts[1] == "home":
			folders = append(folders, strings.Join(parts[:4], "/"))
		}
	}
	return folders
}
