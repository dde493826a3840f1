# Compiling and linking with an installed library: tests/e2e/install.sh.
g++() { :; }
pkg-config() { :; }
