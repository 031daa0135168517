//! Turns terminal output into the picture in the README:
//!
//! ```sh
//! CLICOLOR_FORCE=1 cargo run -q -- run -v specs/penalty/revoked_by_funder.yaml |
//!     cargo run -q --example picture > docs/terminal.svg
//! ```

use std::io::{self, Read, Write};

fn main() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    // What differs from run to run and from machine to machine has no place in a picture.
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("daemon version")).collect();
    let svg = anstyle_svg::Term::new().render_svg(&kept.join("\n"));
    io::stdout().write_all(svg.as_bytes())
}
