//! A route as a picture: its nodes in a line, beside each what else was explored around it.

use std::fmt::{self, Display, Formatter};

use super::text::signed;
use super::{HopReport, Party, RouteReport, Surroundings};
use crate::scenario::written;

/// How far apart the nodes of the route are.
const STEP: usize = 230;
/// What is left free at both sides.
const MARGIN: usize = 130;
/// How high the picture is, and where the route runs.
const HEIGHT: usize = 380;
const LINE: usize = 200;
/// How far apart neighbours are, and how far from the route.
const ASIDE: usize = 72;
const AWAY: usize = 105;
/// How many characters of a name fit.
const NAME: usize = 16;
const SHORT_NAME: usize = 11;

/// Colours for light and dark.
const STYLE: &str =
    "  svg { background: #ffffff; color: #1b1f24; font: 13px system-ui, sans-serif; }
  text { fill: currentColor; text-anchor: middle; }
  text { stroke: #ffffff; stroke-width: 4; stroke-linejoin: round; paint-order: stroke; }
  .small { font-size: 11px; }
  .faint { fill: #57606a; }
  .node { fill: #ddf4ff; stroke: #0969da; stroke-width: 2; }
  .route { stroke: #0969da; stroke-width: 3; fill: none; }
  .none { stroke: #cf222e; stroke-width: 2; stroke-dasharray: 6 6; fill: none; }
  .aside { stroke: #d0d7de; stroke-width: 1; }
  .neighbour { fill: #f6f8fa; stroke: #8c959f; }
  .head { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; color: #e6edf3; }
    text { stroke: #0d1117; }
    .faint { fill: #9198a1; }
    .node { fill: #0c2d6b; stroke: #58a6ff; }
    .route { stroke: #58a6ff; }
    .none { stroke: #ff7b72; }
    .aside { stroke: #30363d; }
    .neighbour { fill: #161b22; stroke: #6e7681; }
    .head { fill: #58a6ff; }
  }
";

impl RouteReport {
    /// The picture, as SVG.
    pub fn svg(&self) -> String {
        Picture(self).to_string()
    }
}

struct Picture<'a>(&'a RouteReport);

impl Display for Picture<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let last = report.surroundings.len().saturating_sub(1);
        let width = 2 * MARGIN + last * STEP;
        writeln!(
            f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" \
             width=\"{width}\" height=\"{HEIGHT}\" role=\"img\">"
        )?;
        let title = format!(
            "{} pays {} to {}",
            report.from.name(NAME),
            written(report.amount_msat),
            report.to.name(NAME)
        );
        writeln!(f, "<title>{}</title>\n<style>\n{STYLE}</style>", Escaped(&title))?;
        writeln!(
            f,
            "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"12\" \
             markerHeight=\"12\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
             <path class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker></defs>"
        )?;
        text(f, [width / 2, 24], "", &title)?;
        for (place, around) in report.surroundings.iter().enumerate() {
            write_surroundings(f, MARGIN + place * STEP, around)?;
        }
        if let Some(route) = &report.route {
            for (place, hop) in route.hops.iter().enumerate() {
                write_hop(f, MARGIN + place * STEP, hop)?;
            }
        } else {
            let (start, end) = (MARGIN + 14, MARGIN + last * STEP - 14);
            writeln!(f, "<path class=\"none\" d=\"M{start} {LINE}H{end}\"/>")?;
            text(f, [width / 2, LINE - 10], "small", "no route")?;
        }
        for (place, around) in report.surroundings.iter().enumerate() {
            write_node(f, MARGIN + place * STEP, &around.node)?;
        }
        let end = match &report.route {
            Some(route) => format!(
                "fee {}, pending for {} blocks at most; grey: what else was explored beside the route",
                signed(route.fee_msat),
                route.delay
            ),
            None => "grey: what was explored beside both ends".to_owned(),
        };
        text(f, [width / 2, HEIGHT - 14], "small faint", &end)?;
        writeln!(f, "</svg>")
    }
}

/// The neighbours of a node: half of them above the route, half below.
fn write_surroundings(f: &mut Formatter<'_>, x: usize, around: &Surroundings) -> fmt::Result {
    let half = around.neighbours.len().div_ceil(2);
    let (above, below) = around.neighbours.split_at(half);
    for (row, y) in [(above, LINE - AWAY), (below, LINE + AWAY)] {
        let left = x - ASIDE * row.len().saturating_sub(1) / 2;
        for (place, neighbour) in row.iter().enumerate() {
            let at = left + place * ASIDE;
            writeln!(f, "<path class=\"aside\" d=\"M{x} {LINE}L{at} {y}\"/>")?;
            writeln!(f, "<circle class=\"neighbour\" cx=\"{at}\" cy=\"{y}\" r=\"6\"/>")?;
            let label = if y < LINE { y - 12 } else { y + 20 };
            text(f, [at, label], "small faint", &neighbour.name(SHORT_NAME))?;
        }
    }
    if around.more > 0 {
        let more = format!("and {} more", around.more);
        text(f, [x, LINE + AWAY + 38], "small faint", &more)?;
    }
    Ok(())
}

fn write_hop(f: &mut Formatter<'_>, x: usize, hop: &HopReport) -> fmt::Result {
    let (start, end, middle) = (x + 14, x + STEP - 14, x + STEP / 2);
    writeln!(f, "<path class=\"route\" d=\"M{start} {LINE}H{end}\" marker-end=\"url(#head)\"/>")?;
    text(f, [middle, LINE - 12], "small", &written(hop.amount_msat))?;
    text(f, [middle, LINE + 20], "small faint", &hop.short_channel_id)?;
    text(f, [middle, LINE + 36], "small faint", &format!("{} blocks", hop.delay))?;
    if hop.fee_msat != 0 {
        let fee = format!("keeps {}", signed(hop.fee_msat));
        text(f, [x + STEP, LINE + 48], "small", &fee)?;
    }
    Ok(())
}

fn write_node(f: &mut Formatter<'_>, x: usize, node: &Party) -> fmt::Result {
    writeln!(f, "<circle class=\"node\" cx=\"{x}\" cy=\"{LINE}\" r=\"12\"/>")?;
    text(f, [x, LINE + 32], "", &node.name(NAME))
}

fn text(f: &mut Formatter<'_>, [x, y]: [usize; 2], class: &str, words: &str) -> fmt::Result {
    writeln!(f, "<text x=\"{x}\" y=\"{y}\" class=\"{class}\">{}</text>", Escaped(words))
}

/// Text between tags.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}
