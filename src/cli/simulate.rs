//! `boltlab simulate`: routing in networks too large to run.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Subcommand, ValueEnum};

use super::complain;
use crate::bolt::units::Msat;
use crate::simulation::plot::{self, Cost, Curve};
use crate::simulation::{
    Case, Clock, Matrix, Setting, Shape, World, bellman_ford_gibson, heading, line, run, run_timed,
};
use crate::topology::Network;

/// What to simulate.
#[derive(Debug, Subcommand)]
pub enum Simulate {
    /// Have random pairs look for routes as Flare does, and print what came of it
    Flare(FlareArgs),
    /// Draw what a route costs against the size of the network
    Plot(PlotArgs),
}

/// A set of networks and settings, or one of them.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  boltlab simulate flare                              two sizes, a few seconds
  boltlab simulate flare --matrix full                up to 1,000,000 nodes
  boltlab simulate flare --shape small-world --nodes 2500 --radius 3 --beacons 20

docs/flare.md explains the columns.")]
pub struct FlareArgs {
    /// Which set
    #[arg(long, value_enum, default_value_t = MatrixName::Short, conflicts_with = "shape")]
    matrix: MatrixName,
    /// One network of this shape in place of a set
    #[arg(long, value_enum, requires = "nodes")]
    shape: Option<ShapeName>,
    /// How many nodes it has
    #[arg(long, requires = "shape", value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    nodes: Option<u32>,
    /// The radius of the maps, in hops
    #[arg(long, requires = "shape", value_parser = clap::value_parser!(u8).range(1..=8))]
    radius: Option<u8>,
    /// How many beacons a node looks for
    #[arg(long, requires = "shape")]
    beacons: Option<u8>,
    /// How many tables a sender may ask for
    #[arg(long, requires = "shape")]
    queries: Option<u32>,
    /// How many links a map may have
    #[arg(long, requires = "shape")]
    links: Option<usize>,
    /// How many pairs try to pay
    #[arg(long, requires = "shape")]
    pairs: Option<u32>,
    /// What they pay, in satoshis
    #[arg(long, requires = "shape")]
    amount_sat: Option<u32>,
    /// Draws networks, terms, balances and pairs
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Where to draw, and what.
#[derive(Args, Debug)]
pub struct PlotArgs {
    /// The picture
    #[arg(long, value_name = "FILE")]
    svg: PathBuf,
    /// The shape of the networks
    #[arg(long, value_enum, default_value_t = ShapeName::SmallWorld)]
    shape: ShapeName,
    /// The greatest network has no more nodes than this
    #[arg(long, default_value_t = 100_000)]
    most_nodes: u32,
    /// Draws networks, terms, balances and pairs
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MatrixName {
    Short,
    Full,
    Sensitivity,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShapeName {
    SmallWorld,
    ScaleFree,
    SnapshotLike,
}

impl From<ShapeName> for Shape {
    fn from(name: ShapeName) -> Self {
        match name {
            ShapeName::SmallWorld => Self::SmallWorld,
            ShapeName::ScaleFree => Self::ScaleFree,
            ShapeName::SnapshotLike => Self::SnapshotLike,
        }
    }
}

/// Simulates, and prints or draws what came of it.
pub fn simulate(what: &Simulate) -> ExitCode {
    let done = match what {
        Simulate::Flare(args) => table(args),
        Simulate::Plot(args) => draw(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

fn cases(args: &FlareArgs) -> Vec<Case> {
    let Some(shape) = args.shape else {
        let matrix = match args.matrix {
            MatrixName::Short => Matrix::Short,
            MatrixName::Full => Matrix::Full,
            MatrixName::Sensitivity => Matrix::Sensitivity,
        };
        return matrix.cases(args.seed);
    };
    let usual = Setting::default();
    let amount = args.amount_sat.map(|sat| Msat(u64::from(sat) * 1000));
    let setting = Setting {
        radius: args.radius.unwrap_or(usual.radius),
        beacons: args.beacons.unwrap_or(usual.beacons),
        queries: args.queries.unwrap_or(usual.queries),
        most_links: args.links.unwrap_or(usual.most_links),
        pairs: args.pairs.unwrap_or(usual.pairs),
        amount: amount.unwrap_or(usual.amount),
        seed: args.seed,
    };
    vec![Case { shape: shape.into(), nodes: args.nodes.unwrap_or_default(), setting }]
}

fn table(args: &FlareArgs) -> Result<(), String> {
    let mut out = anstream::stdout().lock();
    let mut print = |text: &str| match writeln!(out, "{text}").and_then(|()| out.flush()) {
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot print the table: {error}"))
        }
        _ => Ok(()),
    };
    print(&heading())?;
    // Rows of one network follow each other, and the largest takes a while to draw.
    let mut last: Option<((Shape, u32, u64), Network)> = None;
    for Case { shape, nodes, setting } in cases(args) {
        let wanted = (shape, nodes, setting.seed);
        let network = match last.take() {
            Some((drawn, network)) if drawn == wanted => network,
            Some(_) | None => {
                shape.network(nodes, setting.seed).map_err(|error| error.to_string())?
            }
        };
        last = Some((wanted, network.clone()));
        print(&line(&run(shape.name(), network, &setting)))?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a picture of time needs a clock")]
fn draw(args: &PlotArgs) -> Result<(), String> {
    let shape = Shape::from(args.shape);
    // What did well in docs/flare.md for this shape.
    let radius = match shape {
        Shape::SmallWorld => 3,
        Shape::ScaleFree => 2,
        Shape::SnapshotLike => 1,
    };
    let mut searched =
        Curve { name: format!("Flare, r = {radius}, 10 beacons"), points: Vec::new() };
    let mut whole =
        Curve { name: "Bellman-Ford-Gibson, the whole graph".to_owned(), points: Vec::new() };
    for nodes in [1_000, 2_500, 10_000, 30_000, 100_000, 300_000, 1_000_000] {
        if nodes > args.most_nodes {
            break;
        }
        let setting = Setting { radius, pairs: 50, seed: args.seed, ..Setting::default() };
        let case = Case { shape, nodes, setting };
        let network = shape.network(nodes, args.seed).map_err(|error| error.to_string())?;
        let since = Instant::now();
        let clock = || u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let row = run_timed(shape.name(), network, &setting, &clock);
        searched.points.push(plot::flare(&row));
        whole.points.push(whole_graph(&case, &clock)?);
    }
    let text = plot::svg(&[searched, whole]);
    std::fs::write(&args.svg, text).map_err(|error| format!("{}: {error}", args.svg.display()))
}

/// What the other algorithm takes, which knows all channels.
fn whole_graph(case: &Case, clock: Clock<'_>) -> Result<Cost, String> {
    let Setting { radius, beacons, most_links, seed, .. } = case.setting;
    let network = case.shape.network(case.nodes, seed).map_err(|error| error.to_string())?;
    let world = World::new(network, radius, beacons, most_links, seed);
    bellman_ford_gibson(&world, &case.setting, clock).map_err(|error| error.to_string())
}
