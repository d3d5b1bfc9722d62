//! Rules modelled on other autoscalers, with their published defaults, on the same cloud and queue.
//!
//! They are flattered: they see the truth at once, their requests take effect at once, and none of
//! them ever ends a machine that works. Sources: the projects' own documentation and source code,
//! named at each rule.

use std::collections::BTreeMap;

use super::score::Score;
use crate::model::snapshot::Counts;
use crate::model::{Span, Text, Time};
use crate::sim::farm::SimFarm;
use crate::sim::provider::State;

/// Whose rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Kubernetes' Horizontal Pod Autoscaler on the number of tasks, one each: every 15 s, a tolerance of
    /// 10 %, down only to the highest wish of the last 300 s, at most 4 more or twice as many in
    /// 15 s (kubernetes `pkg/apis/autoscaling/v2/defaults.go`, `horizontal.go`).
    Hpa,
    /// Kubernetes' Cluster Autoscaler: every 10 s a machine for each waiting task no machine on its
    /// way will take; one unneeded for 10 min goes, not within 10 min of an addition, at most 10 at
    /// once (cluster-autoscaler `FAQ.md`).
    ClusterAutoscaler,
    /// Karpenter with `consolidateAfter: 0s`: the same growth in batches of 10 s; empty machines go at
    /// once, at most a tenth of the farm, but one at least, at a time (kubernetes-sigs/karpenter
    /// `pkg/controllers/disruption`).
    Karpenter,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hpa, Self::ClusterAutoscaler, Self::Karpenter];

    /// For people: a model of a product's rule is not the product.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hpa => "HPA-like",
            Self::ClusterAutoscaler => "Cluster-Autoscaler-like",
            Self::Karpenter => "Karpenter-like",
        }
    }

    fn period(self) -> Span {
        match self {
            Self::Hpa => Span::seconds(15),
            Self::ClusterAutoscaler | Self::Karpenter => Span::seconds(10),
        }
    }
}

/// What a rule sees.
struct View {
    waiting: usize,
    running: usize,
    /// Machines, booting ones included.
    machines: usize,
    /// Machines without a worker yet.
    booting: usize,
    /// Idle machines and since when, longest first.
    idle: Vec<(Time, Text)>,
}

/// What a rule wants.
#[derive(Default)]
struct Wish {
    create: usize,
    delete: usize,
}

#[derive(Default)]
struct Hand {
    /// Wishes of the last minutes, for rules that look back.
    wishes: Vec<(Time, usize)>,
    last_added_at: Option<Time>,
    idle_since: BTreeMap<Text, Time>,
    serial: u64,
}

/// Runs a rule over a farm until all is done and gone.
pub fn run(mut farm: SimFarm, rule: Rule, start: Time, promised: Span) -> Score {
    let mut hand = Hand::default();
    let mut now = start;
    let mut counts = Counts::default();
    let offer = farm.provider.catalog().sizes.keys().next().cloned();
    let Some(offer) = offer.map(|size| size.offer(crate::model::Billing::OnDemand)) else {
        return Score::read(&farm, now, promised, counts);
    };
    while farm.jobs_to_come() != 0 || !farm.is_at_rest() {
        now = now + rule.period();
        farm.advance(now);
        let view = hand.look(&farm, now);
        let wish = hand.wish(rule, &view, now);
        for _ in 0..wish.create {
            hand.serial += 1;
            let request = farm.provider.catalog().request(&format!("peer-{}", hand.serial), &offer);
            counts.creates += u64::from(farm.provider.create(now, &request).is_ok());
        }
        for (_, id) in view.idle.iter().take(wish.delete) {
            // What the state forbids is tried again in the next round.
            farm.provider.delete(now, id, true).ok();
        }
        farm.advance(now);
    }
    Score::read(&farm, now, promised, counts)
}

impl Hand {
    fn look(&mut self, farm: &SimFarm, now: Time) -> View {
        let (mut machines, mut booting) = (0, 0);
        let mut idle_since = BTreeMap::new();
        let here = |state| matches!(state, State::Building | State::Running);
        for machine in farm.provider.truth().filter(|machine| here(machine.state)) {
            machines += 1;
            if !farm.queue.has_joined(&machine.id) {
                booting += 1;
            } else if !farm.queue.is_busy(&machine.id) {
                let since = self.idle_since.get(&machine.id).copied().unwrap_or(now);
                idle_since.insert(Text::clone(&machine.id), since);
            }
        }
        self.idle_since = idle_since;
        let mut idle: Vec<_> =
            self.idle_since.iter().map(|(id, since)| (*since, Text::clone(id))).collect();
        idle.sort_unstable();
        let (waiting, running) = (farm.queue.waiting(), farm.queue.running());
        View { waiting, running, machines, booting, idle }
    }

    fn wish(&mut self, rule: Rule, view: &View, now: Time) -> Wish {
        match rule {
            Rule::Hpa => self.hpa(view, now),
            Rule::ClusterAutoscaler => self.cluster_autoscaler(view, now),
            Rule::Karpenter => Wish {
                create: view.waiting.saturating_sub(view.booting),
                delete: view.idle.len().min(view.machines.div_ceil(10).max(1)),
            },
        }
    }

    fn hpa(&mut self, view: &View, now: Time) -> Wish {
        let tasks = view.waiting + view.running;
        let near = tasks.abs_diff(view.machines) * 10 <= view.machines && view.machines != 0;
        let wanted = if near && tasks != 0 { view.machines } else { tasks };
        self.wishes.push((now, wanted));
        self.wishes.retain(|(at, _)| now < *at + Span::seconds(300));
        let highest = self.wishes.iter().map(|(_, wanted)| *wanted).max().unwrap_or(0);
        let limit = (view.machines + 4).max(view.machines * 2);
        let target = if wanted < view.machines { highest } else { wanted.min(limit) };
        Wish {
            create: target.saturating_sub(view.machines),
            delete: view.machines.saturating_sub(target).min(view.idle.len()),
        }
    }

    fn cluster_autoscaler(&mut self, view: &View, now: Time) -> Wish {
        let create = view.waiting.saturating_sub(view.booting);
        if create != 0 {
            self.last_added_at = Some(now);
            return Wish { create, delete: 0 };
        }
        let long = Span::minutes(10);
        let rested = self.last_added_at.is_none_or(|at| at + long <= now);
        let unneeded = view.idle.iter().filter(|(since, _)| *since + long <= now).count();
        Wish { create: 0, delete: if rested { unneeded.min(10) } else { 0 } }
    }
}
