//! What only an odd day does to the world.

use super::Shared;
use crate::model::{Billing, Namer, Text};

impl Shared {
    /// All spot machines are taken back.
    pub(super) fn take_spot_back(&mut self) {
        let now = self.now;
        let is_spot = |one: &&super::super::provider::Instance| one.offer.billing == Billing::Spot;
        let spot: Vec<Text> =
            self.farm.provider.truth().filter(is_spot).map(|one| Text::clone(&one.id)).collect();
        for id in spot {
            self.farm.provider.reclaim(now, &id);
        }
        self.farm.advance(now);
    }

    /// Another daemon of the same farm, with a store of its own, makes a machine.
    pub(super) fn make_twin(&mut self) {
        let farm = self.prefix.trim_end_matches('-');
        let (epoch, serial) = (self.now.seconds() / 60 + 7, self.rng.below(1 << 20));
        let name = Namer::new(farm).name("r", epoch, serial);
        // Without stock it makes none.
        self.farm.make_by_hand(self.now, name.as_str()).ok();
    }
}
