//! Hints on the wall clock's beat: a wake on every full minute, for calendar windows, and a report in
//! the log every hour. The plan itself never waits for them (`Plan::wake_at`).

use std::sync::Arc;

use anyhow::Context;
use tokio_cron_scheduler::{Job, JobScheduler};

use super::Control;
use crate::model::Wake;
use crate::page::Board;
use crate::telemetry::changes;

/// Starts the hints; they end when the scheduler is dropped.
pub(super) async fn start(control: Control, board: Arc<Board>) -> anyhow::Result<JobScheduler> {
    let scheduler = JobScheduler::new().await.context("cannot start the scheduler")?;
    let hint = Job::new("0 * * * * *", move |_, _| {
        if !control.send(Wake::Hint) {
            tracing::debug!("the driver is behind; it looks at the calendar by itself");
        }
    })?;
    scheduler.add(hint).await?;
    let report = Job::new("0 0 * * * *", move |_, _| report(&board))?;
    scheduler.add(report).await?;
    scheduler.start().await?;
    Ok(scheduler)
}

fn report(board: &Board) {
    let Some(snapshot) = board.latest() else { return };
    tracing::info!(
        machines = snapshot.machines.len(),
        queued = snapshot.pools.iter().map(|pool| pool.queued).sum::<u32>(),
        running = snapshot.pools.iter().map(|pool| pool.running).sum::<u32>(),
        hourly = %snapshot.spend.hourly,
        spent = %snapshot.spend.total,
        held = changes::strongest(&snapshot),
        "report"
    );
}
