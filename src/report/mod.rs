//! Reports: what a run's results look like to programs and to people.

pub mod results;
