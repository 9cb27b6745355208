"""Wording of ordinary life in Chinese and English: notices from businesses, and what people write.

Many share their words with fraud on purpose: codes, locked cards, parcels, refunds, deposits, warnings.
"""

from __future__ import annotations

from typing import Final

__all__ = ["NOTICES", "PERSONAL"]


def _lines(block: str) -> tuple[str, ...]:
    return tuple(block.strip().splitlines())


NOTICES: Final[dict[str, tuple[str, ...]]] = {
    "zh": _lines("""
【{bank}】您尾号{tail}的卡于{date}{time}消费{amount}，余额请登录手机银行查询
【{bank}】验证码{code}，5分钟内有效，请勿告诉任何人，本行不会向您索要
【{bank}】您的信用卡本期账单{amount}，到期还款日{date}，如已还款请忽略
【{bank}】您尾号{tail}的账户收到转账{sum}，付款人{name}
【{bank}】温馨提示：凡要求转入安全账户的都是诈骗，如有疑问请到网点咨询
【{bank}】您的贷款申请已受理，请携带身份证于{date}到{city}支行办理
【{bank}】因多次输错密码，您的卡已临时锁定，请持证件到柜台解锁
【{bank}】您的积分{amount}将于{date}到期，可在本行应用内兑换
【{shop}】登录验证码：{code}。如非本人操作，请修改密码
【{shop}】您的订单已发货，{parcel_firm}单号{parcel}，预计{date}送达
【{shop}】退款{amount}已原路退回尾号{tail}的卡，到账以银行为准
【{shop}】会员日{date}到店满{amount}减免，详情见 {url} 回T退订
【{shop}】您预约的{time}服务已确认，地址{place}，如需改期请回电
【{shop}】客服提醒：我们不会电话要求您取消会员或转账，谨防冒充
【{parcel_firm}】包裹{parcel}已到{place}，取件码{code}，请于{date}前领取
【{parcel_firm}】快递员{surname}师傅正在派送，电话{phone}，请保持畅通
【{parcel_firm}】您的包裹因地址不详暂存网点，请联系寄件人补充地址
【{carrier}】您本月话费{amount}，余额不足时请及时充值，详见 {url}
【{carrier}】您的套餐流量已用{percent}%，回复查询可了解余量
【{carrier}】您的号码实名信息已更新成功，如非本人办理请到营业厅
【{city}公安局】反诈提醒：刷单返利都是诈骗，不听不信不转账
【{city}公安局】接到自称民警要求转账的来电，请立即挂断并拨打报警电话
【{city}社保】您的医保缴费{amount}已成功，凭证可在 {url} 下载
【{city}税务】年度汇算将于{date}截止，请通过官方应用办理，不要点陌生链接
【{city}交警】您的车辆年检将于{date}到期，请及时办理
【{city}医院】您预约的{date}{time}门诊请提前取号，带好医保卡
【{city}法院】您立案的材料已收到，承办法官{surname}，查询请登录 {url}
【{city}图书馆】您借的{count}本书将于{date}到期
【{city}一中】家长会定于{date}{time}召开，请准时参加
【{city}供电】{place}一带{date}检修停电，给您带来不便请谅解
【物业】本月物业费{amount}，可到前台或 {url} 缴纳
【航空】您{date}的航班延误至{time}，可在官网免费改签
"""),
    "en": _lines("""
{bank}: you spent {amount} with card ending {tail} on {date} at {time}
{bank}: your code is {code}. It expires in 5 minutes. We will never ask you for it
{bank}: your statement is ready, {amount} is due on {date}. Ignore if already paid
{bank}: {name} sent you {sum}. It is in your account ending {tail}
{bank}: reminder, we never ask you to move money to a safe account. If in doubt visit a branch
{bank}: your loan application was received, please bring ID to our {city} branch on {date}
{bank}: your card is locked after three wrong PINs. Visit any branch with ID to unlock it
{bank}: a new payee was added in the app on {date}. If it was not you, call the number on your card
{shop}: your login code is {code}. If you did not ask for it, change your password
{shop}: your order has shipped with {parcel_firm}, tracking {parcel}, arriving {date}
{shop}: your refund of {amount} went back to the card ending {tail}
{shop}: member day on {date}, {percent}% off in store. See {url} Reply STOP to opt out
{shop}: your booking at {time} is confirmed, see you at {place}
{shop}: beware of callers who ask you to cancel a renewal, we never do that
{parcel_firm}: item {parcel} is at {place}, pick-up code {code}, collect before {date}
{parcel_firm}: your driver {surname} arrives between {time} and noon, call {phone} if needed
{parcel_firm}: nobody was home, we will try again on {date}. No fee is due
{carrier}: your bill of {amount} was paid, thank you. Details at {url}
{carrier}: you have used {percent}% of your data this month
{carrier}: your SIM was replaced at our {city} store. Not you? Come in with ID
{city} police: task scams ask you to pay first. Do not send money, report it
{city} police: an officer will never ask for payment by phone. Hang up and call us
{city} council: your council bill of {amount} is due on {date}, pay at {url}
{city} tax office: the filing deadline is {date}. We never send links to claim a refund
{city} clinic: your appointment is on {date} at {time}, bring your card
{city} clinic: your prescription is ready for collection at {place}
{city} court: your filing was received, clerk {surname} will write to you by post
{city} library: {count} items are due on {date}
{city} school: parents evening is on {date} at {time}, hope to see you
{city} power: planned outage near {place} on {date}, sorry for the trouble
Your flight on {date} now leaves at {time}, you can rebook free of charge in the app
IT desk: password reset done as you asked, reference {code}. We never ask for your password
"""),
}

PERSONAL: Final[dict[str, tuple[str, ...]]] = {
    "zh": _lines("""
晚上一起吃{dish}吧，{time}在{place}见
我到{place}了，你在哪儿呢
妈，我到学校了，放心吧，周末给你打电话
爸的药快吃完了，你{date}路过药店帮忙买一下
宝宝今天打疫苗，有点发烧，我先带他去医院看看
借我{amount}行吗，发工资就还你，谢啦
上次的饭钱{amount}我转你了，查收一下
快递帮我拿一下，取件码{code}，在{place}
{name}说{date}聚会，你来不来
我换手机了，新账号是{handle}，加一下
今天的会改到{time}，会议室在{place}
报价单发你邮箱了，麻烦{date}前确认
发票开好了，金额{sum}，我寄到公司前台
客户那边催合同，你看看条款有没有问题
服务器又报警了，我在处理，先别重启
周报记得写，{surname}总要看数据
面试安排在{date}{time}，地址{place}，带上简历
房租{amount}已转，麻烦房东查收
押金什么时候退，我{date}就搬走了
昨晚的球赛看了吗，太可惜了，点球没进
周末打牌三缺一，不玩钱，来不来
我妈差点被骗，有人冒充公安让她转{sum}，幸好没信
别信那个兼职刷单，我同学被骗了{amount}
那个链接不要点，是假的，我问过{bank}了
老师好，{name}今天发烧请假一天
孩子作业是第{count}页，记得签字
班费每人{amount}，转给{name}妈妈
二手书{amount}一本，校内面交，要的找我
演唱会多了一张票，原价{amount}，现场给你
下载了照片没有，链接是 {url}
体检报告出来了，没什么大问题，你别担心
生日快乐，天天开心，红包收好
下雨了，记得带伞，路上慢点
狗粮没了，下班顺便带一袋回来
我爸住院要交{sum}押金，我先垫上，回头再算
他老拿前女友的照片说事，我都烦死了
"""),
    "en": _lines("""
Dinner tonight? {dish} at {place}, around {time}
I'm at {place}, where are you
Mum I got to school fine, will call you on the weekend
Dad is nearly out of his pills, can you stop by the pharmacy on {date}
The baby has a fever after the shot, taking her to the clinic now
Can you lend me {amount} until payday? Thanks a lot
Sent you {amount} for lunch last week, check your account
Could you pick up my parcel? The code is {code}, it's at {place}
{name} is having people over on {date}, are you coming
New phone, my new handle is {handle}, add me
The meeting moved to {time}, same room at {place}
The quote is in your inbox, please confirm before {date}
Invoice for {sum} attached, I'll send the paper copy to your office
The client wants the contract today, can you check the clauses
Server alarms again, I'm on it, please don't restart anything
Weekly report is due, {surname} wants the numbers
Your interview is on {date} at {time}, at {place}, bring your resume
Rent paid, {amount}, let me know when you see it
When do I get the deposit back? I'm moving out on {date}
Did you watch the game? Can't believe they missed that penalty
Cards on Saturday, we need a fourth, no money involved
Someone posing as an officer nearly got {sum} from my mum, luckily she hung up
Don't do that online task job, my friend lost {amount}
Don't open that link, it's fake, I checked with {bank}
Hello teacher, {name} has a fever and will stay home today
Homework is page {count}, please sign it
Class trip is {amount} each, send it to {name}
Selling textbooks, {amount} each, meet on campus
I have a spare ticket for the show, {amount}, pay me when you get in
The photos are here {url}, took me ages to sort them
Test results are back, nothing to worry about
Happy birthday! Hope you have a lovely day
It's raining, take an umbrella and drive safe
We're out of dog food, can you grab a bag on the way home
Dad's in hospital, they need {sum} up front, I'll cover it and we sort it out later
He keeps bringing up photos of his ex, I'm so done
"""),
}
