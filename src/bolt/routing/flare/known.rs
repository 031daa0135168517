//! Flare on a graph that is known: what its nodes would keep, hand over and find, if each had a map of
//! it and no more. Nothing is exchanged here; every answer is what a node with that map says.

use std::collections::BTreeSet;

use bitcoin::Amount;

use super::{BeaconSearch, Link, Name, NodeId, Policy, Search, SearchLimits, Step, Table, ranked};
use crate::bolt::routing::{
    ChannelIndex, Direction, Graph, Neighbour, NoRoute, NodeIndex, Refused, Request, Route,
};

/// The most questions of a search for beacons.
const QUESTIONS: u32 = 40;
/// What a channel is taken to hold whose capacity nobody has told: all that there is.
const ANYTHING: Amount = Amount::MAX_MONEY;

/// How the nodes of the graph use Flare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habit {
    /// The radius of their maps, in hops.
    pub radius: u8,
    /// How many beacons they have.
    pub beacons: u8,
    /// How far a payer asks.
    pub limits: SearchLimits,
}

/// What came of seeking a route with Flare.
#[derive(Clone, Debug)]
pub struct Found {
    /// The route, or why there is none.
    pub route: Result<Route, NoRoute>,
    /// How many tables were asked for.
    pub queries: u32,
    /// The nodes that the payer knew of in the end.
    pub nodes: Vec<NodeIndex>,
    /// How many channels it knew of.
    pub channels: usize,
}

/// Seeks a route as a payer would whose node, like all others, keeps a map of its neighbourhood. Of the
/// routes that appear, the first that keeps the request's limits is taken, as a poll would find.
pub fn seek(graph: &Graph, request: &Request, habit: Habit) -> Found {
    let world = World { graph, habit };
    let none = |route| Found { route: Err(route), queries: 0, nodes: Vec::new(), channels: 0 };
    let Some(from) = world.name(request.from) else {
        return none(NoRoute::UnknownNode(request.from));
    };
    let Some(to) = world.name(request.to) else { return none(NoRoute::UnknownNode(request.to)) };
    if from == to {
        return none(NoRoute::SameNode);
    }
    let (own, theirs) = (world.table(request.from), world.table(request.to));
    let known = own.links().chain(theirs.links());
    let mut search = Search::new(from, to, request.amount, habit.limits, known);
    let routes = loop {
        match search.step() {
            Step::Ask { whom, .. } => {
                let table = world.node(whom).map(|node| world.table(node));
                search.answered(whom, table.iter().flat_map(Table::links));
            }
            Step::Routes(routes) => break ranked(routes, request.amount),
            Step::NoRoute => break Vec::new(),
        }
    };
    let over = |route: super::Route<NodeId>| {
        let channels: Option<Vec<(ChannelIndex, Direction)>> =
            route.iter().map(|hop| world.arc(hop.channel, hop.from)).collect();
        Route::over(graph, request, &channels?).ok()
    };
    let route = routes.into_iter().find_map(over);
    let nodes: BTreeSet<NodeIndex> = search
        .table()
        .links()
        .flat_map(|link| link.ends)
        .filter_map(|node| world.node(node))
        .collect();
    Found {
        route: route.ok_or(NoRoute::NoneFound(Refused::default())),
        queries: search.queries(),
        nodes: nodes.into_iter().collect(),
        channels: search.table().len(),
    }
}

/// A graph whose nodes all have the same habit.
struct World<'a> {
    graph: &'a Graph,
    habit: Habit,
}

impl World<'_> {
    fn name(&self, node: NodeIndex) -> Option<NodeId> {
        self.graph.node_id(node).map(|id| NodeId(id.0))
    }

    fn node(&self, name: NodeId) -> Option<NodeIndex> {
        self.graph.node(&crate::bolt::wire::UncheckedPoint(name.0))
    }

    /// The channel, the way that this node uses it.
    fn arc(
        &self,
        id: crate::bolt::units::ShortChannelId,
        from: NodeId,
    ) -> Option<(ChannelIndex, Direction)> {
        let channel = self.graph.find(id)?;
        let ends = self.graph.channel(channel)?.nodes;
        let both = [Direction::FromNode1, Direction::FromNode2];
        let start = self.node(from)?;
        let direction = both.into_iter().find(|direction| direction.start(ends) == start)?;
        Some((channel, direction))
    }

    /// The links that a walk of so many hops can take.
    fn map(&self, centre: NodeIndex) -> Table<NodeId> {
        let mut table = Table::new(self.habit.limits.links);
        let mut reached = BTreeSet::from([centre]);
        let mut rim = vec![centre];
        for _ in 0..self.habit.radius {
            let mut next = Vec::new();
            for node in rim {
                for neighbour in self.graph.neighbours(node) {
                    if let Some(link) = self.link(&neighbour) {
                        // A map that is full has room for no more.
                        let _ = table.insert(&link);
                    }
                    if reached.insert(neighbour.node) {
                        next.push(neighbour.node);
                    }
                }
            }
            rim = next;
        }
        table
    }

    /// A channel as its ends tell of it.
    fn link(&self, neighbour: &Neighbour) -> Option<Link<NodeId>> {
        let channel = self.graph.channel(neighbour.channel)?;
        let [one, two] = channel.nodes;
        let (one, two) = (self.name(one)?, self.name(two)?);
        let capacity = channel.capacity.unwrap_or(ANYTHING);
        let mut link = Link::new(channel.short_channel_id, one, two, capacity);
        for (end, direction) in [(one, Direction::FromNode1), (two, Direction::FromNode2)] {
            let policy = self.graph.policy(neighbour.channel, direction);
            let told = policy.map(|policy| Policy {
                timestamp: 0,
                enabled: !policy.disabled,
                fee_base_msat: policy.fee_base_msat,
                fee_proportional_millionths: policy.fee_proportional_millionths,
                cltv_expiry_delta: policy.cltv_expiry_delta,
            });
            link.set_policy(end, told);
        }
        Some(link)
    }

    /// What a node hands over: its map, and the ways to its beacons.
    fn table(&self, node: NodeIndex) -> Table<NodeId> {
        let mut table = self.map(node);
        let Some(own) = self.name(node) else { return table };
        let count = self.habit.beacons;
        let known = table.nearest(own, own.address(), count.into());
        let mut search = BeaconSearch::new(own, count, QUESTIONS, known);
        while let Some(question) = search.question() {
            let Some(asked) = self.node(question.whom) else { break };
            let map = self.map(asked);
            let paths = map.nearer(question.whom, question.target, question.count.into());
            if search.answered(question.whom, &paths).is_err() {
                break;
            }
        }
        let ways: Vec<Link<NodeId>> =
            search.beacons().into_iter().flat_map(|beacon| beacon.path).collect();
        table.merge(&ways);
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bolt::routing::{Policy as Asked, Search as Known};
    use crate::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};
    use crate::bolt::wire::UncheckedPoint;

    const HABIT: Habit = Habit {
        radius: 2,
        beacons: 2,
        limits: SearchLimits { queries: 10, routes: 5, links: 1_000 },
    };

    /// A row of so many nodes, each with a channel to the next.
    fn row(nodes: u8) -> Graph {
        let mut graph = Graph::new();
        let id = |number| UncheckedPoint([number; 33]);
        for number in 0..nodes.saturating_sub(1) {
            let ends = [id(number), id(number + 1)];
            let capacity = Some(Amount::from_sat(1_000));
            let scid = ShortChannelId(number.into());
            let channel = graph.insert(scid, ends, capacity).unwrap();
            for direction in [Direction::FromNode1, Direction::FromNode2] {
                let asked = Asked {
                    cltv_expiry_delta: CltvExpiryDelta(10),
                    htlc_minimum_msat: Msat(1),
                    htlc_maximum_msat: Msat(1_000_000),
                    fee_base_msat: 1,
                    fee_proportional_millionths: 0,
                    inbound: crate::bolt::routing::InboundFee::default(),
                    disabled: false,
                };
                graph.set_policy(channel, direction, asked).unwrap();
            }
        }
        graph
    }

    fn request(graph: &Graph, to: u8) -> Request {
        let node = |number| graph.node(&UncheckedPoint([number; 33])).unwrap();
        Request::new(node(0), node(to), Msat(1_000))
    }

    #[test]
    fn two_maps_that_meet_are_a_route_without_asking() {
        let graph = row(12);
        let request = request(&graph, 4);
        let found = seek(&graph, &request, HABIT);
        let by_dijkstra =
            Known::new().find(&graph, &request, crate::bolt::routing::Algorithm::Dijkstra);
        assert_eq!((found.route, found.queries), (by_dijkstra, 0));
    }

    #[test]
    fn maps_that_do_not_meet_take_questions() {
        let graph = row(12);
        let request = request(&graph, 11);
        let found = seek(&graph, &request, HABIT);
        assert_eq!(found.route.unwrap().hops.len(), 11);
        assert!(found.queries > 0, "{}", found.queries);
        let limits = SearchLimits { queries: 0, ..HABIT.limits };
        let alone = seek(&graph, &request, Habit { beacons: 0, limits, ..HABIT });
        assert_eq!(alone.route, Err(NoRoute::NoneFound(Refused::default())));
    }

    #[test]
    fn a_limit_of_the_request_holds() {
        let graph = row(6);
        let dear = Request { max_fee: Some(Msat(1)), ..request(&graph, 4) };
        assert!(seek(&graph, &dear, HABIT).route.is_err());
    }
}
