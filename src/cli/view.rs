//! The farm in the terminal: a live view where there is a terminal, a line now and then where not.

use std::net::SocketAddr;

use console::{Term, style};

use super::out;
use crate::clock::Clock;
use crate::model::snapshot::{Phase, PoolView, Snapshot};
use crate::model::{Span, Time};
use crate::telemetry::words::{self, Language};

/// Decisions shown.
const DECISIONS: usize = 12;
/// Without a terminal, a line this often in real time.
const LINE_EVERY: Span = Span::seconds(10);

/// Phases in the order of a machine's life, with their letter and colour.
const PHASES: [(Phase, char, u8); 8] = [
    (Phase::Launching, '·', 244),
    (Phase::Booting, '▒', 180),
    (Phase::Starting, '▒', 180),
    (Phase::Ready, '█', 71),
    (Phase::Draining, '▓', 67),
    (Phase::Stopping, '░', 67),
    (Phase::Stopped, '_', 240),
    (Phase::Leaving, '×', 131),
];

/// The view of one run.
#[derive(Debug)]
pub struct View {
    term: Term,
    silent: bool,
    speed: u32,
    page: SocketAddr,
    real: Clock,
    lines_drawn: usize,
    line_at: Option<Time>,
}

impl View {
    /// A view; `silent` draws nothing.
    pub fn new(silent: bool, speed: u32, page: SocketAddr) -> Self {
        let (term, real) = (Term::stdout(), Clock::real());
        Self { term, silent, speed, page, real, lines_drawn: 0, line_at: None }
    }

    /// Draws the farm anew.
    pub fn draw(&mut self, farm: &Snapshot) {
        if self.silent {
            return;
        }
        let drawn = if self.term.is_term() { self.redraw(farm) } else { self.line(farm) };
        if drawn.is_err() {
            self.silent = true; // nobody is looking any more
        }
    }

    /// Leaves the last picture standing.
    pub fn end(&mut self) {
        self.lines_drawn = 0;
        if !self.silent && self.term.is_term() && out::line("").is_err() {
            self.silent = true;
        }
    }

    fn line(&mut self, farm: &Snapshot) -> anyhow::Result<()> {
        let now = self.real.now();
        if self.line_at.is_some_and(|at| now < at + LINE_EVERY) {
            return Ok(());
        }
        if self.line_at.is_none() {
            out::line(&format!("page: http://{}/   speed: {}×", self.page, self.speed))?;
        }
        self.line_at = Some(now);
        let (queued, running) = work(farm);
        out::line(&format!(
            "{}  {} machines  {queued} waiting  {running} running  {}/h  {} spent",
            farm.at,
            farm.machines.len(),
            farm.spend.hourly,
            farm.spend.total
        ))
    }

    fn redraw(&mut self, farm: &Snapshot) -> anyhow::Result<()> {
        let (_, width) = self.term.size();
        let width = usize::from(width).max(40);
        let lines = self.picture(farm, width);
        let mut text = String::new();
        if self.lines_drawn != 0 {
            self.term.move_cursor_up(self.lines_drawn)?;
        }
        for line in &lines {
            text.push_str("\x1b[2K");
            text.push_str(&console::truncate_str(line, width - 1, "…"));
            text.push('\n');
        }
        self.term.write_str(&text)?;
        self.lines_drawn = lines.len();
        Ok(())
    }

    fn picture(&self, farm: &Snapshot, width: usize) -> Vec<String> {
        let page = format!("http://{}/", self.page);
        let mut lines = vec![
            format!(
                "{}  {}  {}×  {}",
                style("farmscale").bold(),
                farm.at,
                self.speed,
                style(page).underlined()
            ),
            String::new(),
        ];
        for pool in &farm.pools {
            lines.extend(pool_lines(pool, width));
        }
        let spend = farm.spend;
        let hourly = format!("{}/h", spend.hourly);
        lines.push(format!("money    {}   {} spent", style(hourly).bold(), spend.total));
        lines.push(String::new());
        let from = farm.recent.len().saturating_sub(DECISIONS);
        let decisions = farm.recent.iter().skip(from).rev();
        let decisions = decisions.map(|event| {
            let at = event.at.to_string();
            let clock = at.get(11..19).unwrap_or("").to_owned();
            format!("{}  {}", style(clock).dim(), words::say(event, Language::En))
        });
        lines.extend(decisions);
        lines.resize(6 + 3 * farm.pools.len() + DECISIONS, String::new());
        lines
    }
}

fn pool_lines(pool: &PoolView, width: usize) -> Vec<String> {
    let wait = pool.oldest_wait.map_or_else(String::new, |wait| format!("   oldest {wait}"));
    let queue = format!("{} waiting   {} running{wait}", pool.queued, pool.running);
    let mut bar = String::new();
    let mut drawn = 0;
    let mut counts = Vec::new();
    for (phase, letter, colour) in PHASES {
        let count = pool.phases.get(&phase).copied().unwrap_or(0);
        let cells = usize::try_from(count).unwrap_or(0).min(width.saturating_sub(10 + drawn));
        drawn += cells;
        let cells: String = std::iter::repeat_n(letter, cells).collect();
        bar.push_str(&style(cells).color256(colour).to_string());
        if count != 0 {
            counts.push(format!("{count} {phase:?}").to_lowercase());
        }
    }
    let counts = if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
    vec![
        format!("{:<8} {queue}", console::truncate_str(&pool.name, 8, "…")),
        format!("machines {counts}"),
        format!("         {bar}"),
    ]
}

fn work(farm: &Snapshot) -> (u32, u32) {
    let sum = |of: fn(&PoolView) -> u32| farm.pools.iter().map(of).sum();
    (sum(|pool| pool.queued), sum(|pool| pool.running))
}
