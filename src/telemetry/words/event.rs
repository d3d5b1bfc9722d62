//! What has happened: a sentence for each event.

use super::Language::{En, Zh};
use super::terms::{change as change_words, class as class_words, worker};
use super::{Row, Told};
use crate::model::event::{
    ChangeEvent, CreateEvent, EventKind, FarmEvent, MachineEvent, OfferEvent, SeenEvent,
};
use crate::model::snapshot::DayEntry;
use crate::model::{Change, MachineName, Money, OfferKey};

/// What has happened.
pub fn event(kind: &EventKind) -> Told {
    match kind {
        EventKind::Farm(event) => farm(event),
        EventKind::Offer { offer, event } => of_offer(event, offer),
        EventKind::Machine { name, event } => match event {
            MachineEvent::Create(event) => create(event, name),
            MachineEvent::Change { change, event } => of_change(event, name, change),
            MachineEvent::Seen(event) => seen(event, name),
        },
    }
}

/// The rows of all events.
pub const EVENTS: &[&[Row]] = &[FARM, OFFER, CREATE, CHANGE, SEEN];

words! {
    farm(FarmEvent), FARM;

    "daemon_started" Info DaemonStarted { epoch, salt } =>
        "守护进程已启动（纪元 {epoch}）",
        "the daemon has started (epoch {epoch})";
    "farm_adopted" Info FarmAdopted =>
        "已掌握云上全部机器",
        "the farm at the provider is known";
    "paused" Info Paused { owner, reason, until } =>
        "{owner} 暂停了农场：{reason}",
        "{owner} paused the farm: {reason}";
    "resumed" Info Resumed { owner } =>
        "{owner} 结束了暂停",
        "{owner} ended the pause";
    "retiring" Info Retiring { owner } =>
        "{owner} 下令让农场永久下线",
        "the farm is being decommissioned, says {owner}";
    "retire_cancelled" Info RetireCancelled { owner } =>
        "{owner} 取消了农场下线",
        "the farm is to stay after all, says {owner}";
    "second_daemon" Warn SecondDaemon { machine } =>
        "另一个守护进程也在用这个农场名创建机器（{machine}）：在停掉它并执行 `farmscale retire --twins` 之前不再购买",
        "another daemon of this farm makes machines ({machine}): nothing is bought until it is \
         stopped and `farmscale retire --twins` says so";
    "twins_released" Info TwinsReleased { owner } =>
        "{owner} 确认：另一守护进程创建的或重名的机器归本农场管理",
        "machines of a second daemon or of one name are ours now, says {owner}";
    "task_ended" Debug TaskEnded { queue, ended_at } =>
        "队列 {queue} 有任务做完",
        "a task of queue {queue} has ended";
    "day_turned" Info DayTurned { ended, ended_day, day, from, until, dropped }
        [cost = cost(ended)] =>
        "{day} 开始；前一日花费 {cost}",
        "{day} begins; the day before cost {cost}";
}

words! {
    of_offer(OfferEvent, offer: OfferKey), OFFER;

    "offer_refused" Warn OfferRefused { class, until }
        [why_zh = class_words(*class, Zh), why = class_words(*class, En)] =>
        "{offer} 在 {until} 之前不再尝试（{why_zh}）",
        "{offer} is left alone until {until} ({why})";
    "offer_served" Info OfferServed =>
        "{offer} 又可购买",
        "{offer} can be bought again";
    "ended" Debug Ended { pool, ran, lost, queue, at_work }
        [how_zh = if *lost { "失去" } else { "退出" },
         how = if *lost { "was lost after" } else { "served for" }] =>
        "{offer} 运行 {ran} 后{how_zh}",
        "{offer} {how} {ran}";
}

words! {
    create(CreateEvent, name: MachineName), CREATE;

    "create_intended" Info Intended { serial, pool, offer, quote, reason, queue, build }
        [why = super::reason(reason), why_zh = &why.zh, why = &why.en] =>
        "创建 {name}（{offer}）：{why_zh}",
        "create {name} as {offer}: {why}";
    "create_accepted" Info Accepted { instance, event } =>
        "{name} 正在创建",
        "{name} is being made";
    "create_refused" Warn Refused { class, detail }
        [why_zh = class_words(*class, Zh), why = class_words(*class, En)] =>
        "创建 {name} 被拒绝（{why_zh}）：{detail}",
        "the create of {name} was refused ({why}): {detail}";
    "create_unknown" Warn Unknown { detail } =>
        "创建 {name} 的结果不明：{detail}",
        "nobody knows what became of the create of {name}: {detail}";
    "create_failed" Warn Failed { detail } =>
        "创建 {name} 失败：{detail}",
        "the create of {name} failed: {detail}";
    "create_expired" Warn Expired =>
        "{name} 始终没有出现，不再等待",
        "{name} never appeared and is given up";
}

words! {
    of_change(ChangeEvent, name: MachineName, change: Change), CHANGE;

    "change_intended" Info Intended { reason }
        [why = super::reason(reason), why_zh = &why.zh, why = &why.en,
         what_zh = change_words(*change, Zh), what = change_words(*change, En)] =>
        "{what_zh} {name}：{why_zh}",
        "{what} {name}: {why}";
    "change_accepted" Info Accepted { event }
        [what_zh = change_words(*change, Zh), what = change_words(*change, En)] =>
        "{name} 的{what_zh}已受理",
        "{what} of {name} is under way";
    "change_refused" Warn Refused { class, detail }
        [what_zh = change_words(*change, Zh), what = change_words(*change, En),
         why_zh = class_words(*class, Zh), why = class_words(*class, En)] =>
        "{name} 的{what_zh}被拒绝（{why_zh}）：{detail}",
        "{what} of {name} was refused ({why}): {detail}";
    "change_unknown" Warn Unknown { detail }
        [what_zh = change_words(*change, Zh), what = change_words(*change, En)] =>
        "{name} 的{what_zh}结果不明：{detail}",
        "nobody knows what became of {what} of {name}: {detail}";
    "change_done" Info Done { effective_at }
        [what_zh = change_words(*change, Zh), what = change_words(*change, En)] =>
        "{name} 的{what_zh}已完成",
        "{what} of {name} is done";
    "change_failed" Warn Failed { detail }
        [what_zh = change_words(*change, Zh), what = change_words(*change, En)] =>
        "{name} 的{what_zh}失败：{detail}",
        "{what} of {name} failed: {detail}";
}

words! {
    seen(SeenEvent, name: MachineName), SEEN;

    "found" Info Found { instance, created_at, status } =>
        "{name} 已存在",
        "{name} exists";
    "adopted" Info Adopted { pool, row, queue, charged_from, unit } =>
        "在云上发现 {name}，已接管",
        "{name} was found at the provider and adopted";
    "held" Info Held { owner, reason, until } =>
        "{name} 由 {owner} 保留：{reason}",
        "{name} is held by {owner}: {reason}";
    "released" Info Released { owner } =>
        "{owner} 解除了对 {name} 的保留",
        "{name} is released by {owner}";
    "status_seen" Warn StatusSeen { status } =>
        "{name} 状态变为 {status:?}，并非本程序所为",
        "{name} is {status:?} though nobody here asked for it";
    "unexpected_status" Warn UnexpectedStatus { status } =>
        "云上显示 {name} 状态为 `{status}`",
        "the provider shows {name} as `{status}`";
    "status_normal" Info StatusNormal =>
        "云上显示 {name} 已恢复正常",
        "the provider shows {name} as well again";
    "stop_charged" Warn StopCharged =>
        "{name} 已关机，却仍按运行计费",
        "{name} is off, and charged as if it ran";
    "missed" Debug Missed =>
        "列表中缺少 {name}",
        "{name} is missing from a listing";
    "unknown_by_id" Debug UnknownById =>
        "按 ID 查询，云上也没有 {name}",
        "the provider knows no {name} by its id either";
    "known_by_id" Warn KnownById =>
        "列表中缺少 {name}，但按 ID 查询它仍然存在",
        "listings miss {name}, and by its id the provider says that it is there";
    "reappeared" Debug Reappeared =>
        "{name} 重新出现在列表中",
        "{name} is listed again";
    "vanished" Warn Vanished =>
        "{name} 已消失，并非本程序删除",
        "{name} is gone though nobody here deleted it";
    "change_seen" Debug ChangeSeen =>
        "列表显示 {name} 的变更已完成",
        "a listing shows the change of {name} done";
    "worker_seen" Debug WorkerSeen { state, workers, asked_at }
        [does_zh = worker(*state, Zh), does = worker(*state, En)] =>
        "{name} {does_zh}",
        "{name} {does}";
    "booted" Debug Booted { line, took } =>
        "{name} 用 {took} 启动完毕",
        "{name} booted in {took}";
    "boot_failed" Warn BootFailed { line, waited } =>
        "{name} 在 {waited} 内没有工作进程加入",
        "{name} has brought no worker within {waited}";
    "assumed_ready" Debug AssumedReady =>
        "视 {name} 为就绪",
        "{name} is taken to be ready";
    "reclaimed" Warn Reclaimed { status } =>
        "{name} 正被云厂商收回",
        "{name} is being taken back by the provider";
    "quoted" Debug Quoted { quote }
        [hourly = quote.running.per_hour()] =>
        "{name} 每小时 {hourly}",
        "{name} costs {hourly} an hour";
    "tombstone_dropped" Debug TombstoneDropped =>
        "不再监视 {name}",
        "{name} is watched no more";
}

fn cost(ended: &[DayEntry]) -> Money {
    ended.iter().map(|entry| entry.sum.cost).sum()
}
