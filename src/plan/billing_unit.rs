//! Billing by the hour and the like: what is begun is paid for, so a machine is kept while it costs
//! nothing and let go just before it would.

use crate::memory::Machine;
use crate::model::{Span, Time};
use crate::policy::Timing;

/// Units shorter than this are let go of at break-even times.
const LONG: Span = Span::minutes(10);
/// A drain and a delete take less than this.
const LEAVING: Span = Span::minutes(2);

/// Whether running time is charged in units so long that a stop in between saves nothing.
pub fn is_long(machine: &Machine) -> bool {
    unit(machine).is_some()
}

/// When to drain an idle machine that is charged in long units: shortly before the end of the unit in
/// which it became idle. Where that has passed it is drained at once, so it never stays for more than
/// one unit without work.
pub fn last_moment(machine: &Machine, timing: &Timing) -> Option<Time> {
    let unit = unit(machine)?;
    let since = machine.meter.running_since()?;
    let idle_for = machine.heard.since.since(since).0.max(0);
    let lead = LEAVING + timing.queue_poll;
    let units = (idle_for + lead.0) / unit.0 + 1;
    Some(since + unit.times(units) - lead)
}

/// How much of the next `ahead` will be charged to a machine that runs or is about to: units that are
/// begun by then and are not yet paid for.
pub fn charged(machine: &Machine, now: Time, ahead: Span) -> Span {
    let unit = machine.quote.map_or(Span::seconds(1), |quote| quote.unit);
    let since = machine.meter.running_since().unwrap_or(now);
    let lasted = Span(now.since(since).0.max(0));
    Span(whole_units(lasted + ahead, unit).0 - whole_units(lasted, unit).0)
}

/// Rounded up to whole units.
pub fn whole_units(span: Span, unit: Span) -> Span {
    let unit = unit.0.max(1);
    Span((span.0 + unit - 1) / unit * unit)
}

fn unit(machine: &Machine) -> Option<Span> {
    machine.quote.map(|quote| quote.unit).filter(|unit| LONG <= *unit)
}
