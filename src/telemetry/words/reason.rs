//! Why a machine is made or changed.

use crate::model::Reason;

words! {
    /// Why a machine is made or changed.
    pub reason(Reason), REASONS;

    "slots_short" Info SlotsShort { slots, work_hourly, offers } =>
        "缺 {slots} 个槽位；在 {offers} 种可购规格中最便宜，每槽位小时 {work_hourly}",
        "slots short: {slots}; {work_hourly} a slot-hour is the least of {offers} offers";
    "floor" Info Floor { min } =>
        "资源池至少保留 {min} 台",
        "the pool is kept at its min of {min}";
    "work_waits" Info WorkWaits { slots } =>
        "有任务等它（缺 {slots} 个槽位）",
        "there is work for it (slots short: {slots})";
    "above_max" Info AboveMax { max } =>
        "超出上限（{max} 台）",
        "there are more machines than the max of {max}";
    "holds_place" Info HoldsPlace =>
        "无法使用，却占着上限名额",
        "it cannot serve and holds a place under max";
    "takes_tasks" Info TakesTasks =>
        "要能再次领取任务",
        "it is to take tasks again";
    "stays_off" Info StaysOff =>
        "已关机；若被人手动开机，不得领取任务",
        "it is off, and must come up drained if started by hand";
    "no_worker" Info NoWorker { within } =>
        "{within} 内没有工作进程加入",
        "no worker has joined within {within}";
    "stays_building" Info StaysBuilding { lasted } =>
        "云上创建已 {lasted} 仍未完成",
        "the provider has been making it for {lasted}";
    "not_worth_waiting" Info NotWorthWaiting =>
        "它启动完之前任务就会做完",
        "the work will be done before it is ready";
    "idle" Info Idle { lasted } =>
        "已空闲 {lasted}",
        "idle for {lasted}";
    "silent" Info Silent { lasted } =>
        "工作进程已失联 {lasted}",
        "its workers have been silent for {lasted}";
    "stopped" Info Stopped { lasted } =>
        "已停机 {lasted}",
        "stopped for {lasted}";
    "retiring" Info Retiring =>
        "农场正在永久下线",
        "the farm is being decommissioned";
    "over_cap" Info OverCap =>
        "已到花费上限",
        "a cap on money is reached";
    "stop_charged" Info StopCharged =>
        "已关机却仍按运行计费",
        "it is off and charged as if it ran";
    "by_hand" Info ByHand =>
        "由人手动开机，且没有任务",
        "somebody started it by hand, and it has no work";
    "drain_cut" Info DrainCut { within } =>
        "工作进程在 {within} 内没有应答排空",
        "its workers have not answered the drain within {within}";
    "hung" Info Hung { unused_for } =>
        "任务在跑，显卡已有 {unused_for} 毫无占用",
        "it is busy on a GPU that has done nothing for {unused_for}";
    "quarantine" Info Quarantine { lasted } =>
        "状态异常已 {lasted}",
        "in a bad status for {lasted}";
    "too_old" Info TooOld { age } =>
        "已使用 {age}，到了更换期限",
        "it is {age} old";
    "drifted" Info Drifted =>
        "创建时的配置已变更",
        "it was made from settings that have changed";
    "found" Info Found =>
        "在云上发现",
        "found at the provider";
}
