package hub

// SessionOptions are what JupyterHub gives the program that starts a user's server.
type SessionOptions struct {
	// Prefix is the installation whose kernels the user gets.
	Prefix string
	// Lessons is the folder whose files the user gets, in the folder "lessons" of the home folder; empty means none.
	Lessons string
	// Data is a folder with data sets and weights for all users, which they can't change; empty means none.
	Data string
	// Memory in bytes and Cores are the user's limits; 0 means none. Limits says who enforces them;
	// "rlimit" means Session.
	Memory int64
	Cores  float64
	Limits string
}
