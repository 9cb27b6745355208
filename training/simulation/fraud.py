"""Recognisable wording of the eight crime types, in Chinese and English.

The texts are written for tests of a defensive classifier. Shops, links, numbers and handles are slots that
`simulate_text` fills with things that do not exist.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CRIMES", "FRAUD"]


def _lines(block: str) -> tuple[str, ...]:
    return tuple(block.strip().splitlines())


FRAUD: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "spam": {
        "zh": _lines("""
{shop}周年庆，全场{discount}折起，进店就送{amount}红包，详情 {link} 退订回T
急用钱吗？无抵押贷款，额度最高{sum}，当天放款，加微{handle}
代开各类票据，点数优惠，行业齐全，电话{phone}
{city}新盘开售，首付{sum}起，买一层送一层，热线{phone}
月瘦{count}斤不反弹，草本配方，无效退款，咨询加微{handle}
名表包包一比一，海外直发，支持货到付款，看图加{handle}
考证不用考试，包过拿证，名额有限，联系{phone}
网店推广，{amount}万人看到您的店，首页排名，详询 {link}
征信有污点也能办卡，大额秒批，联系{handle}
恭喜您成为{shop}幸运会员，免费领取礼包一份，只付邮费 {link}
男士健康产品特价，隐私包装，今天下单{discount}折 {link}
炒股交流群免费进，每天推荐牛股，加微{handle}进群
{city}搬家开锁通下水道，随叫随到，电话{phone}
孩子成绩上不去？名师一对一，先试听后付款，报名 {link}
"""),
        "en": _lines("""
MEGA SALE at {shop}! {percent}% off everything, gift for the first {count} orders {link} Reply STOP to opt out
Bad credit? No problem! Loans up to {sum} approved today, no paperwork. Call {phone}
Lose {count} pounds in two weeks with this one natural pill, money back guaranteed {link}
Get your website to page one of search, {count}k visitors a day, only {amount}. Contact {handle}
Luxury watches, same look, tiny price. Ships worldwide, see photos {link}
You have been selected for a free cruise for two! Just pay the booking fee {link}
Buy {count}00 followers for {amount}, instant delivery, no password needed {link}
Diploma without exams, any subject, recognised everywhere. Ask {handle}
Hot stock picks every morning, our members made {percent}% last week, join free {link}
Need invoices or receipts for any amount? Discreet service, call {phone}
Enlarge your confidence tonight, discreet shipping, {percent}% off until {date} {link}
Congratulations, your number won a free gift card, claim it before midnight {link}
Cheap meds, no prescription needed, next day delivery {link}
Singles near {city} want to chat with you now, join free {link}
"""),
    },
    "phishing": {
        "zh": _lines("""
【{bank}】您的账户存在异常，将于今日冻结，请立即登录 {link} 验证身份
【{bank}】您的积分{amount}即将到期，请点击 {link} 兑换现金
【{parcel_firm}】您的快递因地址不详无法派送，请打开 {link} 更新信息并支付{amount}
您的电子社保已停用，请尽快前往 {link} 重新认证，逾期失效
【{carrier}】您的号码将被停机，实名信息过期，请点 {link} 补录
您有一笔个税退款{sum}待领取，请在 {link} 填写银行卡号
【{shop}】会员密码已过期，为保证资金安全请登录 {link} 重设
您的车辆通行卡已失效，为免影响出行请点击 {link} 激活
【{bank}】尾号{tail}的卡在{city}登录，如非本人操作请点 {link} 取消
云盘空间即将清空，点击 {link} 输入账号密码保留文件
公司邮箱升级通知：请全体同事于{date}前登录 {link} 完成迁移
【{bank}】您的手机银行今日失效，请访问 {link} 升级，否则停用
您的信用卡提额{sum}已通过初审，填写验证码完成领取 {link}
学生资助补贴已发放，请家长点击 {link} 填写身份证号和卡号领取
"""),
        "en": _lines("""
{bank}: unusual sign-in detected. Your account will be locked today unless you verify at {link}
Your parcel could not be delivered, a fee of {amount} is due. Update your address at {link}
{bank} alert: a new payee was added. If this was not you, cancel now at {link}
Your tax refund of {sum} is ready. Enter your card details to receive it {link}
{carrier}: your last bill payment failed. Avoid disconnection, update your card here {link}
Your mailbox is full. Sign in with your password to keep your messages {link}
{shop}: your password expired. Confirm your identity within 24 hours {link}
Your toll account has an unpaid balance of {amount}. Pay before {date} to avoid a penalty {link}
IT desk: all staff must re-enter their login on the new portal before {date} {link}
{bank}: card ending {tail} is suspended. Restore access at {link}
You have {count} undelivered documents waiting, open with your email password {link}
Your cloud photos will be deleted on {date}, log in to keep them {link}
Student grant of {amount} approved, submit your bank login to claim {link}
{parcel_firm}: customs hold on item {parcel}. Release it by confirming your card {link}
"""),
    },
    "personal_data_trade": {
        "zh": _lines("""
出{city}车主名单，含电话车型，新鲜一手，要的联系{handle}
股民数据、贷款数据、宝妈数据，每天更新，量大从优，加微{handle}
可查手机号机主、户籍、开房、流水，先看样后付款，联系{handle}
收实名账号，{amount}一个，长期收，有的私聊{handle}
低价出售学生家长资料{count}万条，含姓名学校电话，{handle}
高价收银行卡四件套，{sum}一套，安全可靠，加{handle}
有{shop}买家订单信息，实时数据，按条计价，详聊{handle}
身份证正反面加手持，成套出，认证必过，找{handle}
定位、通话记录、住址，一个号码全查到，私信{handle}
收电话卡物联卡，不限地区，现结，电话{phone}
内部渠道出业主名单，{city}各小区，电话真实，加{handle}
接查档业务，名下房产车辆，三小时出结果，{handle}
老号批发，带实名带好友，耐用，{amount}起，{handle}
医院新生儿信息一手资源，每日更新，合作加{handle}
"""),
        "en": _lines("""
Fresh leads for sale: {count}k names, phones and addresses in {city}, sample on request {handle}
Full ID sets, front, back and selfie, pass any check, bulk price. DM {handle}
Selling customer list of {shop}, updated daily, {amount} per thousand, ask {handle}
We buy verified accounts, {amount} each, paid today, message {handle}
Any phone number looked up: owner, address, call records. Ask {handle}
Card holder database, balance known, new batch on {date}, contact {handle}
Parents and school contact list, {count}k rows, real numbers only {handle}
We rent your bank account, {sum} a month, nothing to do. Write to {handle}
Email and password combos, {count} million lines, tested this week {handle}
Patient records from clinics in {city}, names and birthdays included, {handle}
Aged profiles with friends and real name check done, from {amount}, {handle}
Background on anyone in three hours, property, cars, travel. {handle}
Buying SIM cards registered in any name, cash on the spot, {phone}
Voter and homeowner lists by street, cheap, sample free, {handle}
"""),
    },
    "online_fraud": {
        "zh": _lines("""
在家兼职刷单，每单返佣{amount}，日结，先做任务后返本金，加{handle}
跟着老师做单，稳赚不赔，昨天学员又赚{sum}，名额只剩{count}个，加{handle}
{shop}清仓手机只要{amount}，先付定金后发货，下单 {link}
我在海外做项目，有内部消息，投{sum}一周翻倍，亲爱的相信我
演唱会门票转让，{amount}一张，先转账后出票，加{handle}
点赞关注就有钱，{amount}一个，做满{count}单返现，进群 {link}
游戏装备低价出，走我这个平台交易才安全 {link}
虚拟币新平台内测，充{sum}送{amount}，提现秒到 {link}
二手相机九成新，急出{amount}，不走平台直接转我优惠
贷款已批{sum}，因卡号填错被冻结，需先交{amount}解冻
养老项目分红，入股{sum}每月领{amount}，名额有限，联系{phone}
机票退改办理，请在 {link} 填写卡号并先付手续费{amount}
刷流水提额度，先打{amount}验资，三天到账，加{handle}
爱心众筹急用，孩子等钱救命，请转{amount}到 {link}
"""),
        "en": _lines("""
Work from home, rate products, earn {amount} a day. Deposit first, refunded with bonus. Ask {handle}
My mentor turned {sum} into five times that in a month, only {count} seats left, join {link}
Brand new phone at {amount}, moving abroad, pay a deposit and I ship today {handle}
Darling I found a private coin platform, put in {sum} and we double it before I visit you
Two tickets for the sold out show, {amount} each, transfer first and I send the codes
Like videos and get paid {amount} each, finish {count} tasks to unlock withdrawal {link}
Your loan of {sum} is approved, pay a {amount} insurance fee first to release it
Flat in {city}, {amount} a month, I am abroad so send the deposit and I post the keys
New coin launch, deposit {sum} get {amount} bonus, withdraw any time {link}
Selling game skins cheap, only trade through this safe middleman site {link}
Guaranteed {percent}% weekly return, our robot never loses, start with {amount} {link}
Puppies free to a good home, just pay {amount} for transport in advance, {phone}
Warehouse clearance at {shop}, {percent}% off, bank transfer only, no returns {link}
Please help, my son needs surgery today, send {amount} here {link}
"""),
    },
    "telecom_scam": {
        "zh": _lines("""
我是{city}公安局民警，您涉嫌一起洗钱案件，请速回电{phone}配合调查
您好，这里是{shop}客服，您误开了会员，每月扣{amount}，取消请回电{phone}
猜猜我是谁？我换号了，明天到我办公室来一趟，电话{phone}
妈，我手机坏了，这是同学的号，急需交培训费{sum}，快打给我
检察院通知：您名下账户涉案，请将资金转入安全账户核查，联系{phone}
恭喜您的号码抽中二等奖{sum}，领奖先缴税费，专线{phone}
{parcel_firm}理赔专员：您的包裹丢失，双倍赔付，请添加{handle}办理
医保中心提醒：您的医保卡在{city}异常消费，请致电{phone}处理
我是你领导，有件急事不方便出面，先帮我转{sum}给对方
航班因故取消，补偿{amount}，请联系客服{phone}办理改签
百万保障今日到期，不关闭将自动扣费{sum}，客服热线{phone}
您的征信有不良记录，不注销网贷账户影响房贷，请联系{phone}
您孩子在学校受伤正在抢救，请马上打{sum}手术费，医生电话{phone}
法院传票通知：您有一份传票未领取，请拨打{phone}查询详情
"""),
        "en": _lines("""
This is Officer {surname} of the fraud unit. Your name is linked to a crime, call {phone} at once
{shop} support: you were charged {sum} for a renewal. To cancel call {phone} now
Mum it's me, new number, my phone broke. Can you send {amount} for the rent today?
Final notice: a warrant is issued for unpaid tax of {sum}. Call {phone} to settle
Your computer sends virus reports to our centre, call technician {surname} on {phone}
Congratulations, your number won {sum}. Pay the release fee to collect, agent {phone}
{bank} security: move your money to a safe account today, our officer will guide you on {phone}
Hi, are you at your desk? I'm in a meeting, need you to pay an invoice of {sum} quietly. Boss
Your benefits are suspended due to suspicious activity, press 1 or call {phone}
Grandpa, I had an accident and need bail of {sum}, please don't tell dad
Lost parcel compensation desk: we owe you double, add {handle} to get it
Your flight was cancelled, call {phone} to claim {amount} and give your card number
Customs officer {surname}: a package in your name holds illegal goods, call {phone}
Court notice: you missed jury duty, a fine of {amount} is due, phone {phone}
"""),
    },
    "extortion": {
        "zh": _lines("""
你的视频和通讯录都在我手上，{date}前转{sum}，否则发给你所有亲友
欠的{sum}再不还，我就打爆你全家电话，让单位都知道
我拍到了你和她在酒店的照片，想私了就准备{sum}
你的电脑已被我控制，浏览记录全在这里，付{sum}我就删除
不想孩子出事就别报警，准备好{sum}等我通知
给{sum}封口费，不然这些证据明天送到纪检
你的店想继续开，每月交{amount}保护费，自己想清楚
裸聊录像已经剪好，群发名单{count}人，转{amount}就停
你公司的数据库已加密，想要回来付{sum}，联系{handle}
差评可以删，每条{amount}，不给就天天刷，找{handle}
最后通知，今晚{time}之前不到账，照片就上网
逾期不还，P好的图会发给通讯录里每一个人，还款{sum}
我知道你家住哪，也知道孩子在哪上学，{sum}买个平安
举报材料写好了，你看着办，{sum}一口价，联系{handle}
"""),
        "en": _lines("""
I recorded you through your camera. Pay {sum} by {date} or everyone in your contacts gets the video
Your files are encrypted. Send {sum} and write to {handle} to get them back
We know where your kids go to school. {sum} keeps them safe, no police
I have photos of you and her at the hotel, {sum} or your wife sees them
Pay what you owe, {sum}, or we call your boss and your whole family tonight
Your shop stays open as long as you pay {amount} a week. Think about it
We will leave {count} bad reviews a day until you pay {amount}, contact {handle}
Last warning, money by {time} tonight or the pictures go online
I have your browsing history and your passwords. {sum} and I delete it all
Your customer database is ours. Pay {sum} or we publish it on {date}
Give me {sum} to keep quiet, or the evidence goes to your employer tomorrow
Your site goes down on {date} unless you send {sum}, talk to {handle}
Those private chats of yours, {count} people are on my list. {amount} and I stop
Someone paid me to hurt you. Pay {sum} more and I will forget it
"""),
    },
    "illegal_gambling": {
        "zh": _lines("""
线上娱乐城开业，首充送{percent}%，百家乐龙虎秒提现 {link}
{sum}彩金免费领，真人荷官在线发牌，注册 {link}
今晚球赛买球上这里，赔率最高，大额无忧 {link}
内部特码资料，{count}码必中，准确率高，加{handle}
棋牌室线上开桌，红包群抢包扫雷，进群找{handle}
老虎机爆分率{percent}%，昨晚玩家提走{sum} {link}
招代理，返水{discount}个点，日结佣金，联系{handle}
彩票计划群，跟单包赢，导师带你回血，加{handle}
线上直营赌场，存{amount}送{amount}，不限提款 {link}
赛车飞艇一分钟一期，稳定平台，老玩家都在这 {link}
手机捕鱼上下分，群发包，诚信经营，找{handle}
今晚滚球推荐，已连红{count}场，私聊{handle}拿料
地下牌局，{city}市区接送，筹码现结，电话{phone}
输的钱想回本？新平台新号必爆，注册送{amount} {link}
"""),
        "en": _lines("""
Join the casino with no licence checks, {percent}% first deposit bonus, instant cash out {link}
Live dealers all night, free {amount} chips for new players {link}
Fixed match tonight, {count} wins in a row, get the score from {handle}
Slots paying {percent}% this week, a player took {sum} yesterday {link}
Private poker game in {city}, cash only, pick-up arranged, call {phone}
Bet on any game without ID, best odds, crypto only {link}
Lottery numbers from the inside, {count} picks, pay after you win, {handle}
Become our betting agent, {percent}% commission every day, write to {handle}
Lost last night? Win it back, new account gets {amount} {link}
Fish game and sweeps online, load credits with {handle}, open all hours
No limit roulette, deposit {amount} play with double, no questions {link}
Underground fight betting on {date}, places limited, ask {handle}
Racing every minute, stable site, old players welcome {link}
VIP tips group: follow our bets, {sum} a month guaranteed, join {link}
"""),
    },
    "drug_trade": {
        "zh": _lines("""
新到的货，纯度高，{city}可送，老规矩，找{handle}
上头电子烟，劲大不查，{amount}一支，加{handle}
叶子飞行套餐，隐蔽发货，先款，联系{handle}
听话水迷情药，无色无味，匿名快递，{handle}
肉和猪肉都有，量大优惠，懂的来，{handle}
K粉现货，{amount}一个，{city}同城闪送，加{handle}
糖果派对用品，嗨一整晚，{amount}一粒，私聊{handle}
止咳水、聪明药不要处方，隐私包装，找{handle}
邮票到货，五张起，暗号进群，联系{handle}
溜冰壶具配货齐全，{city}面交，电话{phone}
笑气上门，一箱{amount}，随叫随到，{phone}
奶茶包开心水批发，夜场专供，{handle}
找人带货过境，一趟{sum}，来回机票包，联系{handle}
种子和干花都有，海外直邮，安全到手，加{handle}
"""),
        "en": _lines("""
Fresh stock just in, best quality in {city}, same prices, hit up {handle}
Party candy for the weekend, {amount} each, fast drop, message {handle}
Green and snow available, {city} delivery in an hour, text {phone}
No prescription painkillers, plain envelope, pay first, {handle}
Strong vapes that get you high, pass any test, {amount}, ask {handle}
New menu on {date}: weed, pills, tabs. Discreet post, {handle}
Bulk crystal, top purity, serious buyers only, {handle}
Balloons and gas to your door all night, {amount} a box, {phone}
Need a driver to bring packages across, {sum} a trip, no questions, {handle}
Shrooms and stamps back in stock, stealth shipping {link}
Study pills, {amount} a strip, campus meet up, text {handle}
Re-up today, {count} left, first come first served, usual spot, {handle}
Sleep drops, no taste, no smell, posted anonymously, {handle}
Vendor shop with reviews, escrow paid, ships from {city} {link}
"""),
    },
}

CRIMES: Final[tuple[str, ...]] = tuple(FRAUD)
