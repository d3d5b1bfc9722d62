"""A second client of the vendor's API, written from the published algorithm alone.

usage: independent.py SERVER KEY_ID SECRET

Makes a machine, reads its measurements, shuts it down without charge, deletes it. Prints one word a
step; ends with an error when anything is not as it should be.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

SERVER, KEY_ID, SECRET = sys.argv[1:4]


def encode(text):
    """Percent-encoding of the document: only letters, digits and -_.~ stay as they are."""
    return urllib.parse.quote(str(text), safe="-_.~")


def call(path, method, action, query=None, body=None):
    params = {
        "Action": action,
        "AccessKeyId": KEY_ID,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": str(uuid.uuid1()),
        "SignatureVersion": "1.0",
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "Version": "2019-08-08",
    }
    params.update(query or {})
    canonical = "&".join(f"{encode(k)}={encode(v)}" for k, v in sorted(params.items()))
    to_sign = f"{method}&%2F&{encode(canonical)}"
    digest = hmac.new(SECRET.encode(), to_sign.encode(), hashlib.sha1).digest()
    params["Signature"] = base64.b64encode(digest).decode()
    url = f"{SERVER}{path}?" + "&".join(f"{encode(k)}={encode(v)}" for k, v in params.items())
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=2400) as response:
        answer = json.load(response)
    code = answer.get("Code") or answer.get("code")
    if code != "Success":
        sys.exit(f"{action}: {answer}")
    return answer["Data"]


def wait_for(event):
    while True:
        status = call("/ecs/v1", "GET", "DescribeEvent", {"EventId": event})["EventStatus"]
        if status == "success":
            return
        if status != "doing":
            sys.exit(f"event: {status}")
        time.sleep(0.05)


zone, family = "CN_Suqian_B", "专业渲染型rp3"
sizes = call("/ecs/v1", "GET", "DescribeZoneInstanceType",
             {"AvailableZoneCode": zone, "EcsFamilyName": family})
size = sizes[0]["SpecList"][0]
region = next(r["RegionCode"] for g in call("/ecs/v1", "GET", "DescribeRegions")
              for r in g["RegionList"] for z in r["AzList"] if z["AvailableZoneCode"] == zone)
subnets = call("/vpc", "POST", "DescribeSubnet", body={"RegionCode": region})["SubnetList"]
subnet = next(s for s in subnets if s["AvailableZoneCode"] == zone)
images = call("/ecs/v1.1", "GET", "DescribeImages", {"AvailableZoneCode": zone})["ImageList"]
image = next(i for i in images if i["SupportGpuDriver"] == size["SupportGpuDriver"])

made = call("/ecs/v1", "POST", "CreateInstance", body={
    "AvailableZoneCode": zone, "EcsFamilyName": family, "Cpu": size["Cpu"], "Ram": size["Ram"],
    "Gpu": size["Gpu"], "BillingMethod": "0", "ImageId": image["ImageId"], "Name": "独立-1",
    "SystemDisk": {"DiskFeature": "ssd", "Size": 40}, "VpcInfo": {"VpcId": subnet["VPCId"]},
    "SubnetInfo": {"SubnetId": subnet["SubnetId"]}, "Password": "Independent-42", "Number": 1,
})
instance = made["EcsIdSet"][0]
wait_for(made["EventId"])
print("created")

monitor = call("/ecs/v1", "POST", "DescribeInstanceMonitor", body={"EcsId": instance})
if not monitor["GpuUsage"]["Value"]:
    sys.exit(f"no measurements: {monitor}")
print("measured")

wait_for(call("/ecs/v1", "POST", "OperateInstance", body={
    "EcsIds": [instance], "OpType": "free_shutdown_ecs", "DeleteEip": 0})["EventId"])
rows = call("/ecs/v1", "GET", "DescribeInstanceList", {"SearchInfo": "独立-1"})["EcsList"]
if rows[0]["Status"] != "shutdown" or rows[0]["NoChargeForShutdown"] != 1:
    sys.exit(f"not shut down without charge: {rows[0]}")
print("shut down")

wait_for(call("/ecs/v1", "POST", "DeleteInstance", body={
    "EcsIds": [instance], "DeleteEip": 1})["EventId"])
if call("/ecs/v1", "GET", "DescribeInstanceList", {"SearchInfo": instance})["EcsList"]:
    sys.exit("still listed")
print("deleted")
