//! The command line as a user meets it: the real program, its output, its files, its exit status.

mod accidents;
mod input;
mod results;
mod route;
mod simulate;
mod support;
