//! boltlab: a conformance test harness and regtest lab for the Lightning Network.
//!
//! A scenario flows through the house in one direction:
//! `scenario` (parse, validate) → `lab` (bitcoind, cast, steps) → `trace` → `audit` → `report`.
//! The reference protocol lives in `bolt` and `node`, which do no I/O; `chain` is the door to
//! the regtest bitcoind, `link` the one to other nodes.

pub mod audit;
pub mod bolt;
pub mod chain;
pub mod cli;
pub mod decode;
pub mod graph_file;
pub mod lab;
pub mod link;
pub mod node;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod simulation;
pub mod topology;
pub mod trace;
pub mod vector;
