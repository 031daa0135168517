//! Rows as text.

use super::{Row, Spread};

/// The columns: name and width.
const COLUMNS: [(&str, usize); 19] = [
    ("shape", 13),
    ("nodes", 8),
    ("channels", 8),
    ("r", 2),
    ("beacons", 7),
    ("queries", 7),
    ("links", 6),
    ("pairs", 5),
    ("possible", 8),
    ("found", 6),
    ("at once", 7),
    ("in 0.5 s", 8),
    ("could pay", 9),
    ("paid", 6),
    ("asked", 8),
    ("hops/shortest", 13),
    ("entries", 14),
    ("table bytes", 16),
    ("messages, bytes", 17),
];

/// The names of the columns.
pub fn heading() -> String {
    let cells = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
    joined(cells)
}

/// A row.
pub fn line(row: &Row) -> String {
    let share = |count| percent(count, row.pairs);
    let cells = vec![
        row.shape.clone(),
        row.nodes.to_string(),
        row.channels.to_string(),
        row.radius.to_string(),
        row.beacons.to_string(),
        row.queries.to_string(),
        row.most_links.to_string(),
        row.pairs.to_string(),
        share(row.possible),
        share(row.found),
        share(row.found_at_once),
        share(row.found_in_time),
        share(row.could_pay),
        share(row.paid),
        spread(row.asked),
        format!("{}/{}", tenths(row.hops.mean_tenths), tenths(row.shortest.mean_tenths)),
        whole(row.entries),
        whole(row.bytes),
        format!("{}, {}", row.messages.mean_tenths / 10, row.moved.mean_tenths / 10),
    ];
    joined(cells)
}

/// Columns side by side: the first to the left, numbers to the right.
fn joined(cells: Vec<String>) -> String {
    let padded = cells.into_iter().zip(COLUMNS).enumerate().map(|(at, (cell, (_, width)))| {
        if at == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
    });
    padded.collect::<Vec<_>>().join("  ")
}

/// A share in percent, with one decimal.
fn percent(count: u64, of: u64) -> String {
    tenths((count * 1000 + of / 2).checked_div(of).unwrap_or_default())
}

fn tenths(value: u64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

fn spread(spread: Spread) -> String {
    format!("{}/{}", tenths(spread.mean_tenths), spread.p95)
}

fn whole(spread: Spread) -> String {
    format!("{}/{}", spread.mean_tenths / 10, spread.p95)
}
