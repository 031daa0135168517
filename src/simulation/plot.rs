//! Cost against size, drawn: one panel a kind of cost, one curve an algorithm, both axes in powers
//! of ten.
//!
//! A curve is a name and points, from wherever they come: [`flare`] makes Flare's, [`whole_graph`]
//! what every algorithm needs that knows all channels, and the caller adds what it has measured.

use std::fmt::Write as _;

use super::{Row, World, flare::whole_graph_bytes};

/// What one payment costs in a network of this size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many nodes there are.
    pub nodes: u64,
    /// What a node keeps, in bytes, written as messages.
    pub table_bytes: Option<u64>,
    /// What goes over channels for a payment, in bytes.
    pub moved_bytes: Option<u64>,
    /// How long a processor looks for the route, in microseconds.
    pub cpu_us: Option<u64>,
}

/// An algorithm's costs, by growing size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    /// What stands beside the curve.
    pub name: String,
    /// The costs.
    pub points: Vec<Cost>,
}

/// What a row says of Flare's cost.
pub fn flare(row: &Row) -> Cost {
    Cost {
        nodes: row.nodes.into(),
        table_bytes: Some(row.bytes.mean_tenths / 10),
        moved_bytes: Some(row.moved.mean_tenths / 10),
        cpu_us: Some(row.cpu_us.mean_tenths / 10).filter(|time| *time > 0),
    }
}

/// What a node keeps that knows every channel. It moves nothing when it pays; what it moves all the
/// time is every change of every channel.
pub fn whole_graph(world: &World) -> Cost {
    let table_bytes = Some(whole_graph_bytes(world));
    Cost { nodes: world.network().nodes.into(), table_bytes, ..Cost::default() }
}

/// One kind of cost.
type Kind = fn(&Cost) -> Option<u64>;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 240.0;
const MARGIN: f64 = 56.0;
const COLOURS: [&str; 5] = ["#0b6e99", "#c2410c", "#15803d", "#7c3aed", "#475569"];

/// The picture as SVG.
pub fn svg(curves: &[Curve]) -> String {
    let panels: [(&str, Kind); 3] = [
        ("what a node keeps, in bytes", |cost| cost.table_bytes),
        ("moved for a payment, in bytes", |cost| cost.moved_bytes),
        ("processor time for a search, in µs", |cost| cost.cpu_us),
    ];
    let (width, height) = (3.0 * (WIDTH + MARGIN) + 16.0, HEIGHT + 2.0 * MARGIN + 24.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut left = MARGIN;
    for (title, value) in panels {
        panel(&mut out, left, title, curves, value);
        left += WIDTH + MARGIN;
    }
    let mut x = MARGIN;
    for (curve, colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        let y = height - 12.0;
        let name = escaped(&curve.name);
        let _ = writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{colour}\"/>",
            y - 4.0
        );
        let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{y:.1}\">{name}</text>", x + 9.0);
        x += 260.0;
    }
    out + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The power of ten, and which of them lie below and above all of these.
fn power(value: u64) -> f64 {
    let high = u32::try_from(value >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(value & 0xffff_ffff).unwrap_or(u32::MAX);
    (f64::from(high) * 4_294_967_296.0 + f64::from(low)).max(1.0).log10()
}

fn range(powers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = powers.fold((f64::MAX, f64::MIN), |(low, high), power| {
        (low.min(power.floor()), high.max(power.ceil()))
    });
    if low < high { (low, high) } else { (low.min(0.0), low.max(0.0) + 1.0) }
}

fn panel(out: &mut String, left: f64, title: &str, curves: &[Curve], value: Kind) {
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let shown = all().filter_map(|cost| value(cost).map(|value| (cost.nodes, value)));
    let shown: Vec<_> = shown.collect();
    let _ = writeln!(out, "<text x=\"{left:.1}\" y=\"24\" font-weight=\"bold\">{title}</text>");
    if shown.is_empty() {
        let _ = writeln!(out, "<text x=\"{left:.1}\" y=\"{MARGIN:.1}\">not measured</text>");
        return;
    }
    let (x0, x1) = range(shown.iter().map(|(nodes, _)| power(*nodes)));
    let (y0, y1) = range(shown.iter().map(|(_, value)| power(*value)));
    let x = |nodes: u64| left + (power(nodes) - x0) / (x1 - x0) * WIDTH;
    let y = |value: f64| MARGIN + HEIGHT - (value - y0) / (y1 - y0) * HEIGHT;
    let (bottom, right) = (MARGIN + HEIGHT, left + WIDTH);
    let mut step = y0;
    while step <= y1 {
        let at = y(step);
        let _ = writeln!(
            out,
            "<path d=\"M{left:.1} {at:.1}H{right:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">10^{step:.0}</text>",
            left - 6.0,
            at + 4.0
        );
        step += 1.0;
    }
    let mut step = x0;
    while step <= x1 {
        let at = left + (step - x0) / (x1 - x0) * WIDTH;
        let _ = writeln!(
            out,
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">10^{step:.0}</text>",
            bottom + 18.0
        );
        step += 1.0;
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">nodes</text>",
        left + WIDTH / 2.0,
        bottom + 34.0
    );
    for (curve, colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        let points =
            curve.points.iter().filter_map(|cost| Some((x(cost.nodes), y(power(value(cost)?)))));
        let points: Vec<_> = points.collect();
        let path: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let path = path.join(" ");
        let _ = writeln!(
            out,
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
        for (x, y) in points {
            let _ =
                writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(nodes: u64, bytes: u64) -> Cost {
        Cost { nodes, table_bytes: Some(bytes), ..Cost::default() }
    }

    #[test]
    fn a_point_stands_where_its_powers_of_ten_are() {
        let points = vec![cost(1_000, 100), cost(10_000, 1_000), cost(100_000, 10_000)];
        let text = svg(&[Curve { name: "a < b".to_owned(), points }]);
        assert!(text.contains("points=\"56.0,296.0 206.0,176.0 356.0,56.0\""), "{text}");
        assert!(text.contains("a &lt; b"));
        assert_eq!(text.matches("not measured").count(), 2);
    }

    #[test]
    fn one_point_alone_has_a_panel() {
        let text = svg(&[Curve { name: "one".to_owned(), points: vec![cost(100, 10)] }]);
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        assert!(svg(&[]).contains("not measured"));
    }
}
