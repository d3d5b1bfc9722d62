//! One sentence for each event, in Chinese and in English.

use crate::model::event::What;
use crate::model::snapshot::DayEntry;
use crate::model::{Change, Event, Money, Reason, Refusal, WorkerState};

/// Which language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// 中文。
    Zh,
    /// English.
    En,
}

/// The event as a sentence.
pub fn say(event: &Event, language: Language) -> String {
    match language {
        Language::Zh => chinese(&event.what),
        Language::En => english(&event.what),
    }
}

fn cost(ended: &[DayEntry]) -> Money {
    ended.iter().map(|entry| entry.sum.cost).sum()
}

fn english(what: &What) -> String {
    match what {
        What::DaemonStarted { epoch } => format!("the daemon has started (epoch {epoch})"),
        What::FarmAdopted => "the farm at the provider is known".to_owned(),
        What::Paused { owner, reason, .. } => format!("{owner} paused the farm: {reason}"),
        What::Resumed { owner } => format!("{owner} ended the pause"),
        What::CreateIntended { name, offer, reason, .. } => {
            format!("create {name} as {offer}: {reason}")
        }
        What::CreateAccepted { name, .. } => format!("{name} is being made"),
        What::CreateRefused { name, class, detail } => {
            format!("the create of {name} was refused ({}): {detail}", class_en(*class))
        }
        What::CreateUnknown { name, detail } => {
            format!("nobody knows what became of the create of {name}: {detail}")
        }
        What::CreateFailed { name, detail } => format!("the create of {name} failed: {detail}"),
        What::CreateExpired { name } => format!("{name} never appeared and is given up"),
        What::ChangeIntended { name, change, reason } => {
            format!("{} {name}: {reason}", change_en(*change))
        }
        What::ChangeAccepted { name, change, .. } => {
            format!("{} of {name} is under way", change_en(*change))
        }
        What::ChangeRefused { name, change, class, detail } => {
            let (change, class) = (change_en(*change), class_en(*class));
            format!("{change} of {name} was refused ({class}): {detail}")
        }
        What::ChangeUnknown { name, change, detail } => {
            format!("nobody knows what became of {} of {name}: {detail}", change_en(*change))
        }
        What::ChangeDone { name, change, .. } => {
            format!("{} of {name} is done", change_en(*change))
        }
        What::ChangeFailed { name, change, detail } => {
            format!("{} of {name} failed: {detail}", change_en(*change))
        }
        What::Found { name, .. } => format!("{name} exists"),
        What::Adopted { name, .. } => format!("{name} was found at the provider and adopted"),
        What::StatusSeen { name, status } => {
            format!("{name} is {status:?} though nobody here asked for it")
        }
        What::StatusOdd { name, status } => format!("the provider shows {name} as `{status}`"),
        What::StatusWell { name } => format!("the provider shows {name} as well again"),
        What::Staying { owner } => format!("the farm is to stay after all, says {owner}"),
        What::Retiring { owner } => format!("the farm is being left for good, says {owner}"),
        What::Held { name, owner, reason, .. } => format!("{name} is held by {owner}: {reason}"),
        What::Released { name, owner } => format!("{name} is released by {owner}"),
        What::StopCharged { name } => format!("{name} is off, and charged as if it ran"),
        What::Missed { name } => format!("{name} is missing from a listing"),
        What::Unmissed { name } => format!("{name} is listed again"),
        What::Vanished { name } => format!("{name} is gone though nobody here deleted it"),
        What::WorkerSeen { name, state, .. } => format!("{name} {}", worker_en(*state)),
        What::Booted { name, took, .. } => format!("{name} booted in {took}"),
        What::BootFailed { name, waited, .. } => {
            format!("{name} has brought no worker within {waited}")
        }
        What::AssumedReady { name } => format!("{name} is taken to be ready"),
        What::ChangeSeen { name } => format!("a listing shows the change of {name} done"),
        What::OfferRefused { .. }
        | What::OfferServed { .. }
        | What::Reclaimed { .. }
        | What::Ended { .. }
        | What::DayTurned { .. } => market_en(what),
        What::Quoted { name, quote } => {
            format!("{name} costs {} an hour", quote.running.per_hour())
        }
        What::TombstoneDropped { name } => format!("{name} is watched no more"),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is no matter of the market")]
fn market_en(what: &What) -> String {
    match what {
        What::OfferRefused { offer, class, until } => {
            format!("{offer} is left alone until {until} ({})", class_en(*class))
        }
        What::OfferServed { offer } => format!("{offer} can be bought again"),
        What::Reclaimed { name, .. } => format!("{name} is being taken back by the provider"),
        What::Ended { offer, ran, lost: true, .. } => format!("{offer} was lost after {ran}"),
        What::Ended { offer, ran, lost: false, .. } => format!("{offer} served for {ran}"),
        What::DayTurned { ended, day, .. } => {
            format!("{day} begins; the day before cost {}", cost(ended))
        }
        _ => String::new(),
    }
}

fn chinese(what: &What) -> String {
    match what {
        What::DaemonStarted { epoch } => format!("守护进程已启动（纪元 {epoch}）"),
        What::FarmAdopted => "已掌握云上全部机器".to_owned(),
        What::Paused { owner, reason, .. } => format!("{owner} 暂停了农场：{reason}"),
        What::Resumed { owner } => format!("{owner} 结束了暂停"),
        What::CreateIntended { name, offer, reason, .. } => {
            format!("创建 {name}（{offer}）：{}", reason_zh(*reason))
        }
        What::CreateAccepted { name, .. } => format!("{name} 正在创建"),
        What::CreateRefused { name, class, detail } => {
            format!("创建 {name} 被拒绝（{}）：{detail}", class_zh(*class))
        }
        What::CreateUnknown { name, detail } => format!("创建 {name} 的结果不明：{detail}"),
        What::CreateFailed { name, detail } => format!("创建 {name} 失败：{detail}"),
        What::CreateExpired { name } => format!("{name} 始终没有出现，不再等待"),
        What::ChangeIntended { name, change, reason } => {
            format!("{} {name}：{}", change_zh(*change), reason_zh(*reason))
        }
        What::ChangeAccepted { name, change, .. } => {
            format!("{name} 的{}已受理", change_zh(*change))
        }
        What::ChangeRefused { name, change, class, detail } => {
            format!("{name} 的{}被拒绝（{}）：{detail}", change_zh(*change), class_zh(*class))
        }
        What::ChangeUnknown { name, change, detail } => {
            format!("{name} 的{}结果不明：{detail}", change_zh(*change))
        }
        What::ChangeDone { name, change, .. } => format!("{name} 的{}已完成", change_zh(*change)),
        What::ChangeFailed { name, change, detail } => {
            format!("{name} 的{}失败：{detail}", change_zh(*change))
        }
        What::Found { name, .. } => format!("{name} 已存在"),
        What::Adopted { name, .. } => format!("在云上发现 {name}，已接管"),
        What::StatusSeen { name, status } => format!("{name} 状态变为 {status:?}，并非本程序所为"),
        What::StatusOdd { name, status } => format!("云上显示 {name} 状态为 `{status}`"),
        What::StatusWell { name } => format!("云上显示 {name} 已恢复正常"),
        What::Staying { owner } => format!("{owner} 取消了撤出"),
        What::Retiring { owner } => format!("{owner} 下令永久撤出"),
        What::Held { name, owner, reason, .. } => format!("{name} 由 {owner} 保留：{reason}"),
        What::Released { name, owner } => format!("{owner} 解除了对 {name} 的保留"),
        What::StopCharged { name } => format!("{name} 已关机，却仍按运行计费"),
        What::Missed { name } => format!("列表中缺少 {name}"),
        What::Unmissed { name } => format!("{name} 重新出现在列表中"),
        What::Vanished { name } => format!("{name} 已消失，并非本程序删除"),
        What::WorkerSeen { name, state, .. } => format!("{name} {}", worker_zh(*state)),
        What::Booted { name, took, .. } => format!("{name} 用 {took} 启动完毕"),
        What::BootFailed { name, waited, .. } => format!("{name} 在 {waited} 内没有 worker 加入"),
        What::AssumedReady { name } => format!("视 {name} 为就绪"),
        What::ChangeSeen { name } => format!("列表显示 {name} 的变更已完成"),
        What::OfferRefused { offer, class, until } => {
            format!("{offer} 在 {until} 之前不再尝试（{}）", class_zh(*class))
        }
        What::OfferServed { offer } => format!("{offer} 又可购买"),
        What::Reclaimed { name, .. } => format!("{name} 正被云厂商收回"),
        What::Ended { offer, ran, lost: true, .. } => format!("{offer} 运行 {ran} 后失去"),
        What::Ended { offer, ran, lost: false, .. } => format!("{offer} 共运行 {ran}"),
        What::DayTurned { ended, day, .. } => format!("{day} 开始；前一日花费 {}", cost(ended)),
        What::Quoted { name, quote } => format!("{name} 每小时 {}", quote.running.per_hour()),
        What::TombstoneDropped { name } => format!("不再监视 {name}"),
    }
}

fn reason_zh(reason: Reason) -> String {
    match reason {
        Reason::SlotsShort { slots, work_hourly, offers } => {
            format!("缺 {slots} 个槽位；在 {offers} 种可购规格中最便宜，每槽位小时 {work_hourly}")
        }
        Reason::WorkWaits { slots } => format!("有任务等它（缺 {slots} 个槽位）"),
        Reason::Floor { min } => format!("资源池至少保留 {min} 台"),
        Reason::ByHand => "由人手动开机，且没有任务".to_owned(),
        Reason::DrainCut { within } => format!("工作进程在 {within} 内没有应答排空"),
        Reason::Hung { unused_for } => format!("任务在跑，显卡已有 {unused_for} 毫无占用"),
        Reason::Quarantine { lasted } => format!("状态异常已 {lasted}"),
        Reason::TooOld { age } => format!("已使用 {age}，到了更换期限"),
        Reason::Drifted => "创建时的配置已变更".to_owned(),
        Reason::Retiring => "正在永久撤出".to_owned(),
        Reason::StopCharged => "已关机却仍按运行计费".to_owned(),
        Reason::HoldsPlace => "无法使用，却占着上限名额".to_owned(),
        Reason::TakesTasks => "要能再次领取任务".to_owned(),
        Reason::StaysOff => "已关机；若被人手动开机，不得领取任务".to_owned(),
        Reason::NoWorker { within } => format!("{within} 内没有工作进程加入"),
        Reason::NotWorthWaiting => "它启动完之前工作就会做完".to_owned(),
        Reason::Idle { lasted } => format!("已空闲 {lasted}"),
        Reason::Silent { lasted } => format!("工作进程已沉默 {lasted}"),
        Reason::OverCap => "已到花费上限".to_owned(),
        Reason::Stopped { lasted } => format!("已停机 {lasted}"),
        Reason::Found => "在云上发现".to_owned(),
    }
}

fn change_en(change: Change) -> &'static str {
    match change {
        Change::Drain => "drain",
        Change::Undrain => "undrain",
        Change::Start => "start",
        Change::Stop => "stop",
        Change::Delete => "delete",
    }
}

fn change_zh(change: Change) -> &'static str {
    match change {
        Change::Drain => "排空",
        Change::Undrain => "取消排空",
        Change::Start => "启动",
        Change::Stop => "停机",
        Change::Delete => "删除",
    }
}

fn worker_en(state: Option<WorkerState>) -> &'static str {
    match state {
        None => "has no worker any more",
        Some(WorkerState::Idle) => "is idle",
        Some(WorkerState::Busy) => "works",
        Some(WorkerState::Drained) => "is drained: it holds no task and takes none",
    }
}

fn worker_zh(state: Option<WorkerState>) -> &'static str {
    match state {
        None => "已无工作进程",
        Some(WorkerState::Idle) => "空闲",
        Some(WorkerState::Busy) => "正在渲染",
        Some(WorkerState::Drained) => "已排空：手上没有任务，也不再领取",
    }
}

fn class_en(class: Refusal) -> &'static str {
    match class {
        Refusal::SoldOut => "sold out",
        Refusal::Quota => "quota",
        Refusal::Throttled => "too many calls",
        Refusal::Config => "settings",
        Refusal::Image => "image",
        Refusal::Subnet => "subnet",
        Refusal::Clock => "clock",
        Refusal::Auth => "access key",
        Refusal::Money => "balance",
        Refusal::Conflict => "state",
        Refusal::NotFound => "not found",
        Refusal::NotSent => "not reached",
        Refusal::Other => "other",
    }
}

fn class_zh(class: Refusal) -> &'static str {
    match class {
        Refusal::SoldOut => "售罄",
        Refusal::Quota => "配额",
        Refusal::Throttled => "调用过多",
        Refusal::Config => "配置",
        Refusal::Image => "镜像",
        Refusal::Subnet => "子网",
        Refusal::Clock => "本机时钟",
        Refusal::Auth => "密钥",
        Refusal::Money => "余额",
        Refusal::Conflict => "状态冲突",
        Refusal::NotFound => "不存在",
        Refusal::NotSent => "未送达",
        Refusal::Other => "其他",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MachineName, Span, Time};

    #[test]
    fn a_decision_is_told_with_its_reason_in_both_languages() {
        let what = What::ChangeIntended {
            name: MachineName::from_stored("farm-gpu-1"),
            change: Change::Stop,
            reason: Reason::Idle { lasted: Span::minutes(2) },
        };
        let event = Event { at: Time::from_seconds(0), what };
        assert_eq!(say(&event, Language::En), "stop farm-gpu-1: idle for 2m00s");
        assert_eq!(say(&event, Language::Zh), "停机 farm-gpu-1：已空闲 2m00s");
    }
}
