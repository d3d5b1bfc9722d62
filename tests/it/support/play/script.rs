//! The script of a play: what each of its lines may say.

use farmscale::config::parse_span;
use farmscale::model::{Refusal, Shape, Span};
use farmscale::sim::world::Service;

/// Every form a line can have, for people.
const FORMS: &str = "\
# A REMARK
wait SPAN · until TIME (such as 01:30:00, or 1d 02:00:00) · rest
tasks N of SPAN [gpus G] [memory M]
stock ZONE FAMILY N|endless · price ZONE FAMILY PERCENT · free-stop on|off · spot-lives SPAN|forever
refuse N sold-out|quota|throttled|money|config|auth
fail-creates N · hang-creates N SPAN · fail-boots N
lose-answers N · lose-requests N · down cloud|queue|prices SPAN
crash · crash before-intent|after-intent|when-sent · restart · lose-store
stop-by-hand M · start-by-hand M · delete-by-hand M · reclaim M · make-by-hand NAME|M
hang-worker M · gpu M PERCENT · silence M · status M STATUS SPAN · edit OLD to NEW
hold M · release M · pause · resume · retire · stay
why · status · machines · bill · show all
(M: r1, r2 … in the order in which they were asked for; h1, h2 … made by hand)";

/// A line of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Nothing: a remark for the reader.
    Remark,
    /// Time passes.
    Wait(Span),
    /// Time passes until so long after the start.
    Until(Span),
    /// Something about the studio is set, in no time.
    Set(Setting),
    /// The daemon's host loses power.
    Crash(Moment),
    /// The daemon is stopped as it should be, and started again.
    Restart,
    /// The daemon's host loses power and its store, and starts again.
    LoseStore,
    /// Somebody else's hand on a machine.
    Hand(Hand, Who),
    /// Somebody else makes a machine, under any name or that of one of ours.
    Make(String),
    /// What its workers are at never ends, and its GPU is idle.
    Hang(Who),
    /// Monitoring shows this GPU use.
    Gpu(Who, u32),
    /// Its workers are gone.
    Silence(Who),
    /// Listings show it in this status for so long.
    Odd(Who, String, Span),
    /// The operator changes the config's text, and the daemon is started again.
    Edit(String, String),
    /// An operator's order.
    Order(Ordered),
    /// Why each pool is as large as it is.
    Why,
    /// Pools and money.
    Status,
    /// One line a machine.
    Machines,
    /// The ledger, and the provider's bill.
    Bill,
    /// Every event is shown from here on.
    ShowAll,
    /// To the end.
    Rest,
}

/// What can be set about the studio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Setting {
    /// So many tasks arrive.
    Tasks(u32, Span, Shape),
    /// All sizes of a family in a zone: so many are left, or there is no end of them.
    Stock(String, String, Option<u32>),
    /// All sizes of a family in a zone: they cost so many percent of what they did at first.
    Price(String, String, u32),
    /// Whether stops are free of charge.
    FreeStop(bool),
    /// Spot machines are taken back after so long.
    SpotLives(Option<Span>),
    /// The next creates are refused.
    Refuse(u32, Refusal),
    /// The next creates are taken on and fail.
    FailCreates(u32),
    /// The next creates are taken on and last so long.
    HangCreates(u32, Span),
    /// The next boots bring no worker.
    FailBoots(u32),
    /// The next requests are carried out, and their answers lost.
    LoseAnswers(u32),
    /// The next requests are lost.
    LoseRequests(u32),
    /// A service answers nothing for a while.
    Down(Service, Span),
}

/// When the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// At once.
    Now,
    /// As the next intent is about to be written.
    BeforeIntent,
    /// When the next intent is on disk; its request never leaves.
    AfterIntent,
    /// When the next request has left.
    WhenSent,
}

/// What somebody else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand {
    Stop,
    Start,
    Delete,
    Reclaim,
}

/// An operator's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ordered {
    Hold(Who),
    Release(Who),
    Pause,
    Resume,
    Retire,
    Stay,
}

/// A machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// `r1`, `r2` …: ours, in the order in which they were asked for.
    Ours(usize),
    /// `h1`, `h2` …: made by hand.
    ByHand(usize),
}

/// Reads a line, without its `> `.
pub(crate) fn parse(text: &str) -> Result<Command, String> {
    if text.starts_with('#') {
        return Ok(Command::Remark);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    if let Some(setting) = market(&words).or_else(|| mishap(&words)) {
        return setting.map(Command::Set);
    }
    if let Some(command) = stage(&words).or_else(|| people(&words)) {
        return command;
    }
    Err(format!("is no line of a script; there are\n{FORMS}"))
}

/// Time, the daemon, and questions.
fn stage(words: &[&str]) -> Option<Result<Command, String>> {
    Some(match words {
        ["wait", text] => span(text).map(Command::Wait),
        ["until", time] => moment("0d", time).map(Command::Until),
        ["until", days, time] => moment(days, time).map(Command::Until),
        ["rest"] => Ok(Command::Rest),
        ["why"] => Ok(Command::Why),
        ["status"] => Ok(Command::Status),
        ["machines"] => Ok(Command::Machines),
        ["bill"] => Ok(Command::Bill),
        ["show", "all"] => Ok(Command::ShowAll),
        ["crash"] => Ok(Command::Crash(Moment::Now)),
        ["crash", "before-intent"] => Ok(Command::Crash(Moment::BeforeIntent)),
        ["crash", "after-intent"] => Ok(Command::Crash(Moment::AfterIntent)),
        ["crash", "when-sent"] => Ok(Command::Crash(Moment::WhenSent)),
        ["restart"] => Ok(Command::Restart),
        ["lose-store"] => Ok(Command::LoseStore),
        ["hang-worker", one] => who(one).map(Command::Hang),
        ["gpu", one, percent] => {
            who(one).and_then(|one| number(percent).map(|percent| Command::Gpu(one, percent)))
        }
        ["silence", one] => who(one).map(Command::Silence),
        ["status", one, status, text] => who(one)
            .and_then(|one| span(text).map(|span| Command::Odd(one, (*status).to_owned(), span))),
        ["edit", old, "to", new] => Ok(Command::Edit((*old).to_owned(), (*new).to_owned())),
        _ => return None,
    })
}

/// Work and the market.
fn market(words: &[&str]) -> Option<Result<Setting, String>> {
    Some(match words {
        ["tasks", count, "of", takes, needs @ ..] => tasks(count, takes, needs),
        ["stock", zone, family, "endless"] => {
            Ok(Setting::Stock((*zone).to_owned(), (*family).to_owned(), None))
        }
        ["stock", zone, family, units] => number(units)
            .map(|units| Setting::Stock((*zone).to_owned(), (*family).to_owned(), Some(units))),
        ["price", zone, family, percent] => number(percent)
            .map(|percent| Setting::Price((*zone).to_owned(), (*family).to_owned(), percent)),
        ["spot-lives", "forever"] => Ok(Setting::SpotLives(None)),
        ["spot-lives", text] => span(text).map(|span| Setting::SpotLives(Some(span))),
        ["free-stop", "on"] => Ok(Setting::FreeStop(true)),
        ["free-stop", "off"] => Ok(Setting::FreeStop(false)),
        _ => return None,
    })
}

/// What goes wrong.
fn mishap(words: &[&str]) -> Option<Result<Setting, String>> {
    let down = |service, text: &str| span(text).map(|span| Setting::Down(service, span));
    Some(match words {
        ["refuse", count, class] => number(count)
            .and_then(|count| refusal(class).map(|class| Setting::Refuse(count, class))),
        ["fail-creates", count] => number(count).map(Setting::FailCreates),
        ["hang-creates", count, text] => {
            number(count).and_then(|count| span(text).map(|span| Setting::HangCreates(count, span)))
        }
        ["fail-boots", count] => number(count).map(Setting::FailBoots),
        ["lose-answers", count] => number(count).map(Setting::LoseAnswers),
        ["lose-requests", count] => number(count).map(Setting::LoseRequests),
        ["down", "cloud", text] => down(Service::Cloud, text),
        ["down", "queue", text] => down(Service::Queue, text),
        ["down", "prices", text] => down(Service::Prices, text),
        _ => return None,
    })
}

/// What people do.
fn people(words: &[&str]) -> Option<Result<Command, String>> {
    let hand = |hand, one: &str| who(one).map(|one| Command::Hand(hand, one));
    let order = |order: fn(Who) -> Ordered, one: &str| who(one).map(order).map(Command::Order);
    Some(match words {
        ["stop-by-hand", one] => hand(Hand::Stop, one),
        ["start-by-hand", one] => hand(Hand::Start, one),
        ["delete-by-hand", one] => hand(Hand::Delete, one),
        ["reclaim", one] => hand(Hand::Reclaim, one),
        ["make-by-hand", name] => Ok(Command::Make((*name).to_owned())),
        ["hold", one] => order(Ordered::Hold, one),
        ["release", one] => order(Ordered::Release, one),
        ["pause"] => Ok(Command::Order(Ordered::Pause)),
        ["resume"] => Ok(Command::Order(Ordered::Resume)),
        ["retire"] => Ok(Command::Order(Ordered::Retire)),
        ["stay"] => Ok(Command::Order(Ordered::Stay)),
        _ => return None,
    })
}

fn tasks(count: &str, takes: &str, needs: &[&str]) -> Result<Setting, String> {
    let mut shape = Shape { gpus: 1, gpu_memory_gib: 0 };
    for need in needs.chunks(2) {
        match need {
            ["gpus", gpus] => shape.gpus = number(gpus)?,
            ["memory", gib] => shape.gpu_memory_gib = number(gib)?,
            _ => return Err("a task needs `gpus G` and `memory M`, no more".to_owned()),
        }
    }
    Ok(Setting::Tasks(number(count)?, span(takes)?, shape))
}

fn span(text: &str) -> Result<Span, String> {
    parse_span(text).ok_or_else(|| format!("\"{text}\" is no span such as 45s, 10m or 2h"))
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|error| format!("\"{text}\" is no whole number: {error}"))
}

/// So long after the start.
fn moment(days: &str, time: &str) -> Result<Span, String> {
    let parts: Vec<Option<i64>> = time.split(':').map(|part| part.parse().ok()).collect();
    let days = days.strip_suffix('d').and_then(|days| days.parse().ok());
    match (days, parts.as_slice()) {
        (Some(days), [Some(hours), Some(minutes), Some(seconds)]) => Ok(Span::days(days)
            + Span::hours(*hours)
            + Span::minutes(*minutes)
            + Span::seconds(*seconds)),
        _ => Err(format!("\"{time}\" is no time such as 01:30:00 or 1d 02:00:00")),
    }
}

fn who(text: &str) -> Result<Who, String> {
    let number = |letter: char| {
        let number: usize = text.strip_prefix(letter)?.parse().ok()?;
        number.checked_sub(1)
    };
    let ours = number('r').map(Who::Ours);
    let found = ours.or_else(|| number('h').map(Who::ByHand));
    found.ok_or_else(|| format!("\"{text}\" is no machine: r1, r2 …, or h1, h2 … made by hand"))
}

fn refusal(text: &str) -> Result<Refusal, String> {
    Ok(match text {
        "sold-out" => Refusal::SoldOut,
        "quota" => Refusal::Quota,
        "throttled" => Refusal::Throttled,
        "money" => Refusal::Money,
        "config" => Refusal::Config,
        "auth" => Refusal::Auth,
        _ => {
            let known = "sold-out, quota, throttled, money, config, auth";
            return Err(format!("\"{text}\" is no reason to refuse: one of {known}"));
        }
    })
}
