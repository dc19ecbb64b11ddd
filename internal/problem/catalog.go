package problem

// Entry explains one code.
type Entry struct {
	Code  string // such as "RW-M02"
	Means string // what it means, in a sentence or two
	Mend  string // what to do about it
}

// Catalog lists every code, sorted. The letter names the room: M manifest,
// A artifact and build, B bench, E evidence, R run, U usage.
var Catalog = []Entry{
	{"RW-A01", "The folder is not inside a git repository, so no commit can name the artifact.", "Run `git init` and commit, or pass --dirty to check the working tree."},
	{"RW-A02", "A build step failed.", "Run the step by hand in a clean clone; its last lines are shown above."},
	{"RW-A03", "The commit has no such file or folder.", "Commit the file, or name the folder that holds roadworthy.yaml."},
	{"RW-A04", "The repository holds a submodule, whose content the commit does not hold.", "Take the files into the repository, or fetch them in build:."},
	{"RW-A05", "A path or file cannot be part of an artifact: it leads outside, or is a socket, pipe or device.", "Remove it from the repository or from what the build makes."},
	{"RW-A06", "A blob of the image is missing or not what its digest says.", "Build again: roadworthy check"},
	{"RW-B01", "The application ended before it answered.", "Read its last lines above; `roadworthy check --keep` leaves the sandbox to look at."},
	{"RW-B02", "The application did not answer on its port in time.", "Check that it listens on $PORT on all addresses; raise `boot` in roadworthy.yaml if it is only slow."},
	{"RW-B03", "The host does not allow the namespaces that the bench needs.", "The message names the setting; on Ubuntu 24.04: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
	{"RW-B04", "A program that the bench needs is not installed.", "Install the package that the message names."},
	{"RW-B05", "The application redirects every request to https.", "Where a proxy speaks TLS for it in production, write `behind: https` into roadworthy.yaml: then each request carries X-Forwarded-Proto: https, and the application must believe that."},
	{"RW-E01", "A byte of the bundle is not what was signed.", "Do not trust the bundle; run the check again."},
	{"RW-E02", "The bundle is signed by a key that is not trusted.", "Pass the public key that you trust: roadworthy verify --key FILE BUNDLE"},
	{"RW-E03", "A verdict in the bundle is not what its observations give.", "Do not trust the bundle; run the check again."},
	{"RW-E04", "A key cannot be used: it is no ed25519 key in PEM, or others can read it.", "Give the key file mode 0600 and its folder 0700, or move it away so that a new one is made."},
	{"RW-E05", "The bundle was judged by other pass rules than this program's.", "Verify it with the version that wrote it, or run the check again."},
	{"RW-M01", "The file is not YAML.", "Mend the line; the column is where the parser stopped."},
	{"RW-M02", "A key is not known.", "Use the nearest key, or remove the line."},
	{"RW-M03", "A value has the wrong type.", "Write the value as the message shows."},
	{"RW-M04", "A value refers to something that is not declared.", "Declare it, or correct the name."},
	{"RW-M05", "A key that is required is missing.", "Add the key; `roadworthy init --print` shows a whole file."},
	{"RW-M06", "The file is too large, nests too deep or expands without end.", "A manifest is short: at most 256 KiB, 20 levels, no cycles."},
	{"RW-M07", "There is no roadworthy.yaml here.", "Write one: roadworthy init"},
	{"RW-M08", "A value is not one of those allowed.", "Use one of the values that the message lists."},
	{"RW-R01", "A file of settings, or one that a setting names, cannot be read.", "Mend the line that the message names; the formats are yaml, json, toml, ini and dotenv."},
	{"RW-R02", "A setting is missing, or has a value that it cannot have.", "Set the variables that the message names; `roadworthy config show --origin` tells where each value comes from."},
	{"RW-R03", "No worker of a new generation became ready; an older generation, if there is one, serves on.", "Read the last lines of the worker above; mend the application and run `roadworthy reload`."},
	{"RW-R04", "No running `roadworthy run` answers here, or several do.", "Start one, or name the one that is meant: --app NAME or --pid PID"},
	{"RW-R05", "An address cannot be listened on.", "End the program that holds it, or give another one: PORT=8081 roadworthy run …"},
	{"RW-R06", "A mail server did not take a test mail.", "The message holds each step and what the server said; mend SMTP_URL and try again: roadworthy mail test"},
	{"RW-R07", "A master was not upgraded; it serves on as before.", "The message says what is in the way; `roadworthy upgrade` can be called again at any time."},
	{"RW-R08", "A key of a file of settings, or a flag, is no setting.", "Use the nearest key, or remove the line."},
	{"RW-U01", "The command line names something that does not exist.", "See roadworthy help; the nearest name is in the message."},
}
