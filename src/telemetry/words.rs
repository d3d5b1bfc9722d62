//! One sentence for each event, in Chinese and in English.

use crate::model::event::{
    ChangeEvent, CreateEvent, EventKind, FarmEvent, MachineEvent, OfferEvent, SeenEvent,
};
use crate::model::snapshot::DayEntry;
use crate::model::{Change, Event, MachineName, Money, OfferKey, Reason, Refusal, WorkerState};

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
        Language::Zh => chinese(&event.kind),
        Language::En => english(&event.kind),
    }
}

fn cost(ended: &[DayEntry]) -> Money {
    ended.iter().map(|entry| entry.sum.cost).sum()
}

fn english(kind: &EventKind) -> String {
    match kind {
        EventKind::Farm(event) => farm_en(event),
        EventKind::Offer { offer, event } => offer_en(offer, event),
        EventKind::Machine { name, event } => match event {
            MachineEvent::Create(event) => create_en(name, event),
            MachineEvent::Change { change, event } => change_event_en(name, *change, event),
            MachineEvent::Seen(event) => seen_en(name, event),
        },
    }
}

fn farm_en(event: &FarmEvent) -> String {
    match event {
        FarmEvent::DaemonStarted { epoch } => format!("the daemon has started (epoch {epoch})"),
        FarmEvent::FarmAdopted => "the farm at the provider is known".to_owned(),
        FarmEvent::Paused { owner, reason, .. } => format!("{owner} paused the farm: {reason}"),
        FarmEvent::Resumed { owner } => format!("{owner} ended the pause"),
        FarmEvent::RetireCancelled { owner } => {
            format!("the farm is to stay after all, says {owner}")
        }
        FarmEvent::Retiring { owner } => format!("the farm is being left for good, says {owner}"),
        FarmEvent::DayTurned { ended, day, .. } => {
            format!("{day} begins; the day before cost {}", cost(ended))
        }
    }
}

fn offer_en(offer: &OfferKey, event: &OfferEvent) -> String {
    match event {
        OfferEvent::OfferRefused { class, until } => {
            format!("{offer} is left alone until {until} ({})", class_en(*class))
        }
        OfferEvent::OfferServed => format!("{offer} can be bought again"),
        OfferEvent::Ended { ran, lost: true, .. } => format!("{offer} was lost after {ran}"),
        OfferEvent::Ended { ran, lost: false, .. } => format!("{offer} served for {ran}"),
    }
}

fn create_en(name: &MachineName, event: &CreateEvent) -> String {
    match event {
        CreateEvent::Intended { offer, reason, .. } => {
            format!("create {name} as {offer}: {reason}")
        }
        CreateEvent::Accepted { .. } => format!("{name} is being made"),
        CreateEvent::Refused { class, detail } => {
            format!("the create of {name} was refused ({}): {detail}", class_en(*class))
        }
        CreateEvent::Unknown { detail } => {
            format!("nobody knows what became of the create of {name}: {detail}")
        }
        CreateEvent::Failed { detail } => format!("the create of {name} failed: {detail}"),
        CreateEvent::Expired => format!("{name} never appeared and is given up"),
    }
}

fn change_event_en(name: &MachineName, change: Change, event: &ChangeEvent) -> String {
    let change = change_en(change);
    match event {
        ChangeEvent::Intended { reason } => format!("{change} {name}: {reason}"),
        ChangeEvent::Accepted { .. } => format!("{change} of {name} is under way"),
        ChangeEvent::Refused { class, detail } => {
            format!("{change} of {name} was refused ({}): {detail}", class_en(*class))
        }
        ChangeEvent::Unknown { detail } => {
            format!("nobody knows what became of {change} of {name}: {detail}")
        }
        ChangeEvent::Done { .. } => format!("{change} of {name} is done"),
        ChangeEvent::Failed { detail } => format!("{change} of {name} failed: {detail}"),
    }
}

fn seen_en(name: &MachineName, event: &SeenEvent) -> String {
    match event {
        SeenEvent::Found { .. } => format!("{name} exists"),
        SeenEvent::Adopted { .. } => format!("{name} was found at the provider and adopted"),
        SeenEvent::StatusSeen { status } => {
            format!("{name} is {status:?} though nobody here asked for it")
        }
        SeenEvent::UnexpectedStatus { status } => {
            format!("the provider shows {name} as `{status}`")
        }
        SeenEvent::StatusNormal => format!("the provider shows {name} as well again"),
        SeenEvent::Held { owner, reason, .. } => format!("{name} is held by {owner}: {reason}"),
        SeenEvent::Released { owner } => format!("{name} is released by {owner}"),
        SeenEvent::StopCharged => format!("{name} is off, and charged as if it ran"),
        SeenEvent::Missed => format!("{name} is missing from a listing"),
        SeenEvent::Reappeared => format!("{name} is listed again"),
        SeenEvent::Vanished => format!("{name} is gone though nobody here deleted it"),
        SeenEvent::WorkerSeen { state, .. } => format!("{name} {}", worker_en(*state)),
        SeenEvent::Booted { took, .. } => format!("{name} booted in {took}"),
        SeenEvent::BootFailed { waited, .. } => {
            format!("{name} has brought no worker within {waited}")
        }
        SeenEvent::AssumedReady => format!("{name} is taken to be ready"),
        SeenEvent::ChangeSeen => format!("a listing shows the change of {name} done"),
        SeenEvent::Reclaimed { .. } => format!("{name} is being taken back by the provider"),
        SeenEvent::Quoted { quote } => {
            format!("{name} costs {} an hour", quote.running.per_hour())
        }
        SeenEvent::TombstoneDropped => format!("{name} is watched no more"),
    }
}

fn chinese(kind: &EventKind) -> String {
    match kind {
        EventKind::Farm(event) => farm_zh(event),
        EventKind::Offer { offer, event } => offer_zh(offer, event),
        EventKind::Machine { name, event } => match event {
            MachineEvent::Create(event) => create_zh(name, event),
            MachineEvent::Change { change, event } => change_event_zh(name, *change, event),
            MachineEvent::Seen(event) => seen_zh(name, event),
        },
    }
}

fn farm_zh(event: &FarmEvent) -> String {
    match event {
        FarmEvent::DaemonStarted { epoch } => format!("守护进程已启动（纪元 {epoch}）"),
        FarmEvent::FarmAdopted => "已掌握云上全部机器".to_owned(),
        FarmEvent::Paused { owner, reason, .. } => format!("{owner} 暂停了农场：{reason}"),
        FarmEvent::Resumed { owner } => format!("{owner} 结束了暂停"),
        FarmEvent::RetireCancelled { owner } => format!("{owner} 取消了撤出"),
        FarmEvent::Retiring { owner } => format!("{owner} 下令永久撤出"),
        FarmEvent::DayTurned { ended, day, .. } => {
            format!("{day} 开始；前一日花费 {}", cost(ended))
        }
    }
}

fn offer_zh(offer: &OfferKey, event: &OfferEvent) -> String {
    match event {
        OfferEvent::OfferRefused { class, until } => {
            format!("{offer} 在 {until} 之前不再尝试（{}）", class_zh(*class))
        }
        OfferEvent::OfferServed => format!("{offer} 又可购买"),
        OfferEvent::Ended { ran, lost: true, .. } => format!("{offer} 运行 {ran} 后失去"),
        OfferEvent::Ended { ran, lost: false, .. } => format!("{offer} 共运行 {ran}"),
    }
}

fn create_zh(name: &MachineName, event: &CreateEvent) -> String {
    match event {
        CreateEvent::Intended { offer, reason, .. } => {
            format!("创建 {name}（{offer}）：{}", reason_zh(*reason))
        }
        CreateEvent::Accepted { .. } => format!("{name} 正在创建"),
        CreateEvent::Refused { class, detail } => {
            format!("创建 {name} 被拒绝（{}）：{detail}", class_zh(*class))
        }
        CreateEvent::Unknown { detail } => format!("创建 {name} 的结果不明：{detail}"),
        CreateEvent::Failed { detail } => format!("创建 {name} 失败：{detail}"),
        CreateEvent::Expired => format!("{name} 始终没有出现，不再等待"),
    }
}

fn change_event_zh(name: &MachineName, change: Change, event: &ChangeEvent) -> String {
    let change = change_zh(change);
    match event {
        ChangeEvent::Intended { reason } => format!("{change} {name}：{}", reason_zh(*reason)),
        ChangeEvent::Accepted { .. } => format!("{name} 的{change}已受理"),
        ChangeEvent::Refused { class, detail } => {
            format!("{name} 的{change}被拒绝（{}）：{detail}", class_zh(*class))
        }
        ChangeEvent::Unknown { detail } => format!("{name} 的{change}结果不明：{detail}"),
        ChangeEvent::Done { .. } => format!("{name} 的{change}已完成"),
        ChangeEvent::Failed { detail } => format!("{name} 的{change}失败：{detail}"),
    }
}

fn seen_zh(name: &MachineName, event: &SeenEvent) -> String {
    match event {
        SeenEvent::Found { .. } => format!("{name} 已存在"),
        SeenEvent::Adopted { .. } => format!("在云上发现 {name}，已接管"),
        SeenEvent::StatusSeen { status } => format!("{name} 状态变为 {status:?}，并非本程序所为"),
        SeenEvent::UnexpectedStatus { status } => format!("云上显示 {name} 状态为 `{status}`"),
        SeenEvent::StatusNormal => format!("云上显示 {name} 已恢复正常"),
        SeenEvent::Held { owner, reason, .. } => format!("{name} 由 {owner} 保留：{reason}"),
        SeenEvent::Released { owner } => format!("{owner} 解除了对 {name} 的保留"),
        SeenEvent::StopCharged => format!("{name} 已关机，却仍按运行计费"),
        SeenEvent::Missed => format!("列表中缺少 {name}"),
        SeenEvent::Reappeared => format!("{name} 重新出现在列表中"),
        SeenEvent::Vanished => format!("{name} 已消失，并非本程序删除"),
        SeenEvent::WorkerSeen { state, .. } => format!("{name} {}", worker_zh(*state)),
        SeenEvent::Booted { took, .. } => format!("{name} 用 {took} 启动完毕"),
        SeenEvent::BootFailed { waited, .. } => format!("{name} 在 {waited} 内没有 worker 加入"),
        SeenEvent::AssumedReady => format!("视 {name} 为就绪"),
        SeenEvent::ChangeSeen => format!("列表显示 {name} 的变更已完成"),
        SeenEvent::Reclaimed { .. } => format!("{name} 正被云厂商收回"),
        SeenEvent::Quoted { quote } => format!("{name} 每小时 {}", quote.running.per_hour()),
        SeenEvent::TombstoneDropped => format!("不再监视 {name}"),
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
    use crate::model::{Span, Time};

    #[test]
    fn a_decision_is_told_with_its_reason_in_both_languages() {
        let name = MachineName::from_stored("farm-gpu-1");
        let reason = Reason::Idle { lasted: Span::minutes(2) };
        let kind = ChangeEvent::Intended { reason }.to(&name, Change::Stop);
        let event = Event { at: Time::from_seconds(0), kind };
        assert_eq!(say(&event, Language::En), "stop farm-gpu-1: idle for 2m00s");
        assert_eq!(say(&event, Language::Zh), "停机 farm-gpu-1：已空闲 2m00s");
    }
}
