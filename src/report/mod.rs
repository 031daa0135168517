//! What people and programs see of a run. Everything here is made from the trace, the verdict and
//! the text of the scenario; it knows no lab.

mod case;
pub mod excerpt;
pub mod merge;
pub mod results;
pub mod route;
pub mod story;
pub mod style;
pub mod terminal;

pub use case::Case;
