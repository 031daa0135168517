//! What a simulation counts.

/// The mean and the 95th of a hundred of a list of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// The mean in tenths, rounded to the nearest.
    pub mean_tenths: u64,
    /// The number that 95 of 100 do not exceed.
    pub p95: u64,
}

impl Spread {
    /// The spread of these numbers; zero of none.
    pub fn of(mut numbers: Vec<u64>) -> Self {
        numbers.sort_unstable();
        let count = u64::try_from(numbers.len()).unwrap_or(u64::MAX);
        let Some(last) = count.checked_sub(1) else { return Self::default() };
        let sum: u64 = numbers.iter().sum();
        let at = usize::try_from(last * 95 / 100).unwrap_or_default();
        let p95 = numbers.get(at).copied().unwrap_or_default();
        Self { mean_tenths: (sum * 10 + count / 2) / count, p95 }
    }
}

/// What came out for one network and one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The network's shape, as a word.
    pub shape: String,
    /// How many nodes it has.
    pub nodes: u32,
    /// How many channels it has.
    pub channels: usize,
    /// The radius of the maps, in hops.
    pub radius: u8,
    /// How many beacons a node looks for.
    pub beacons: u8,
    /// How many tables a sender may ask for.
    pub queries: u32,
    /// How many links a map may have.
    pub most_links: usize,
    /// How many pairs tried to pay.
    pub pairs: u64,
    /// For how many of them the whole graph has a route whose capacities hold the amount.
    pub possible: u64,
    /// How many found a route.
    pub found: u64,
    /// How many found it in the two tables, without asking.
    pub found_at_once: u64,
    /// How many found it within half a second.
    pub found_in_time: u64,
    /// For how many the whole graph has a route whose balances hold the amount.
    pub could_pay: u64,
    /// How many had a route that held when it was polled.
    pub paid: u64,
    /// How many tables each of those who found a route asked for.
    pub asked: Spread,
    /// How many hops the routes have that were found first.
    pub hops: Spread,
    /// How many hops the shortest routes of the same pairs have in the whole graph.
    pub shortest: Spread,
    /// How many channels the tables of senders and receivers have.
    pub entries: Spread,
    /// How many bytes these tables have as messages.
    pub bytes: Spread,
    /// How many messages went over a channel for a payment: every hop of every question and answer.
    pub messages: Spread,
    /// How many bytes these messages have.
    pub moved: Spread,
    /// How long the search for a route would take, in milliseconds; of those that found one.
    pub time_ms: Spread,
    /// How long the sender's processor searched, in microseconds; zero if nobody measured it.
    pub cpu_us: Spread,
}
