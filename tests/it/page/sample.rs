//! A small farm as it is published, and a page that shows it.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use farmscale::clock::Clock;
use farmscale::model::event::FarmEvent;
use farmscale::model::snapshot::{
    Blocked, CapSpan, CapView, Counts, DayRow, Hold, Ledger, MachineView, OfferView, Pause, Phase,
    PoolView, Report, Snapshot, Spend, Sum,
};
use farmscale::model::{
    Billing, Event, MachineName, Money, OfferKey, Reason, SourceId, Span, Stock, Time, WorkerState,
};
use farmscale::page::{self, Board};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(crate) const AT: Time = Time::from_seconds(1_800_000_000);

pub(crate) fn offer() -> OfferKey {
    OfferKey {
        zone: "CN_Suqian_B".into(),
        family: "专业渲染型rp3".into(),
        cpu: 16,
        ram_gib: 32,
        gpus: 1,
        billing: Billing::OnDemand,
    }
}

/// One pool, one machine, one of everything else.
pub(crate) fn farm() -> Snapshot {
    let event = || Event { at: AT, kind: FarmEvent::FarmAdopted.into() };
    Snapshot {
        at: AT,
        farm: "test".into(),
        turn: 7,
        next_turn_by: AT + Span::seconds(5),
        adopted_at: Some(AT),
        paused: Some(Pause { owner: "li".into(), reason: "look".into(), until: None, since: AT }),
        retiring: Some("wang".into()),
        pools: vec![PoolView {
            name: "gpu".into(),
            queued: 3,
            running: 1,
            oldest_wait: Some(Span::seconds(90)),
            queue_age: Some(Span::seconds(1)),
            phases: [(Phase::Ready, 1)].into(),
            size: (0, 9),
            report: Report {
                demand_slots: 4,
                capacity_slots: 1,
                constraints: vec![Blocked::NotAdopted],
            },
        }],
        machines: vec![machine()],
        offers: vec![OfferView {
            pool: "gpu".into(),
            offer: offer(),
            hourly: Some(Money::yuan(6)),
            work_hourly: Some(Money::yuan(5)),
            stock: Some(Stock::Sells),
            blocked: Some(Blocked::NotAdopted),
        }],
        spend: Spend::default(),
        ledger: ledger(),
        counts: Counts::default(),
        planned: vec![event()],
        recent: vec![event()],
        faults: BTreeMap::from([(SourceId::Fleet, "no route".into())]),
    }
}

fn machine() -> MachineView {
    MachineView {
        name: MachineName::from_stored("test-gpu-1"),
        instance: Some("ins-1".into()),
        pool: "gpu".into(),
        offer: offer(),
        phase: Phase::Ready,
        since: AT,
        worker: Some(WorkerState::Busy),
        worker_since: Some(AT),
        hourly: Money::yuan(6),
        cost: Money::yuan(1),
        reason: Reason::Found,
        held: Some(Hold { owner: "li".into(), reason: "driver".into(), until: Some(AT) }),
        unexpected_status: Some("error".into()),
    }
}

fn ledger() -> Ledger {
    let row = DayRow {
        day: "2027-01-15".into(),
        pool: "gpu".into(),
        offer: offer(),
        sum: Sum::default(),
    };
    let cap = CapView {
        pool: Some("gpu".into()),
        span: CapSpan::Day,
        cap: Money::yuan(100),
        spent: Money::yuan(1),
        committed: Money::yuan(9),
        next_day: Some(Money::yuan(50)),
    };
    Ledger { day: "2027-01-15".into(), days: vec![row], caps: vec![cap], ..Ledger::default() }
}

/// A page of that farm, whose orders go nowhere; it ends with the runtime.
pub(crate) fn serve(farm: Snapshot, options: page::Options) -> (Runtime, SocketAddr) {
    let runtime = Runtime::new().unwrap();
    let board = Arc::new(Board::new(Clock::starting_at(farm.at, 1)));
    board.publish(farm);
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(page::serve(listener, None, board, options));
    (runtime, address)
}

pub(crate) fn options(token: Option<&str>) -> page::Options {
    page::Options {
        token: token.map(Into::into),
        allowed_hosts: Vec::new(),
        anyone_may_order: false,
        socket: None,
        orders: Box::new(|_| Ok(())),
        metrics: Box::new(String::new),
    }
}
