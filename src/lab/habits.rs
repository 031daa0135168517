//! The habits of a role, as its node knows them.

use crate::bolt::channel::{self, Deadlines, Habits};
use crate::node::NodeCommand;
use crate::scenario::{Habit, Role, RoleKind};

/// Tells a node what it does otherwise than most.
pub(super) fn command(role: &Role) -> NodeCommand {
    let known = role.habits.iter().filter_map(|habit| match habit {
        Habit::WatchesMempool => Some(channel::Habit::WatchesMempool),
        Habit::FixedFees => Some(channel::Habit::FixedFees),
        Habit::OnePenalty => Some(channel::Habit::OnePenalty),
        Habit::NeverRegroups => Some(channel::Habit::NeverRegroups),
        Habit::ForgetsDust => Some(channel::Habit::ForgetsDust),
        Habit::OwnCommitmentOnly => Some(channel::Habit::OwnCommitmentOnly),
        Habit::TrustsFunding => Some(channel::Habit::TrustsFunding),
        Habit::TakesAnyFee => Some(channel::Habit::TakesAnyFee),
        Habit::RestartsFees => Some(channel::Habit::RestartsFees),
        Habit::SettlesOffChain => Some(channel::Habit::SettlesOffChain),
        Habit::WaitsForEver => None,
    });
    let habits = known.fold(Habits::default(), Habits::with);
    // A probe does what the file says, and nothing of itself.
    let waits = role.kind.value == RoleKind::Probe || role.habits.contains(&Habit::WaitsForEver);
    let deadlines = if waits { Deadlines::NEVER } else { Deadlines::CAREFUL };
    NodeCommand::SetHabits(habits, deadlines)
}
