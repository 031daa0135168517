//! The outputs of closes and second stages, by the names that a scenario has for them.

use std::collections::BTreeMap;

use super::account::{AuditedOutput, ChannelAccount};
use crate::scenario::OutputRef;

/// Outputs by name. One may have several names, and a name may mean several outputs.
pub(super) struct ByName<'a>(BTreeMap<OutputRef, Vec<&'a AuditedOutput>>);

impl<'a> ByName<'a> {
    pub(super) fn new(channels: impl IntoIterator<Item = &'a ChannelAccount>) -> Self {
        let mut names: BTreeMap<OutputRef, Vec<&AuditedOutput>> = BTreeMap::new();
        for channel in channels {
            for output in channel.named_outputs() {
                for name in output.name.references(&channel.name) {
                    names.entry(name).or_default().push(output);
                }
            }
        }
        Self(names)
    }

    /// The outputs that a name means, in their order.
    pub(super) fn get(&self, name: &OutputRef) -> &[&'a AuditedOutput] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}
