"""What the tables of the docs say beside the code: in English and Chinese, or in Chinese alone.

`tests/test_docs.py` holds every name here to the code, and every name of the code to what stands here.
"""

from __future__ import annotations

from collections.abc import Mapping

Both = Mapping[str, tuple[str, str]]  # English, Chinese

SETTINGS: Both = {
    "MERCHANTS": (
        "The merchants by alias, each a dict: see below. The alias `default` is used where none is named.",
        "以别名为键的商户字典，见下表。未指明别名时使用 `default`。",
    ),
    "MERCHANT_RESOLVER": (
        "Import string of a function that takes the request and returns the alias. The caller can't choose then.",
        "导入路径，指向以 request 为参数、返回商户别名的函数。设置后调用者不能自行选择商户。",
    ),
    "OPENID_RESOLVER": (
        "Import string of a function that takes the request and returns the caller's openid; "
        "unset, it is the user's name.",
        "导入路径，指向以 request 为参数、返回调用者 openid 的函数；未设置时以用户名为 openid。",
    ),
    "CLIENT_IP_RESOLVER": (
        "Import string of a function that takes the request and returns the citizen's IP address, "
        "for sites behind a proxy.",
        "导入路径，指向以 request 为参数、返回用户 IP 地址的函数；供位于代理之后的站点使用。",
    ),
    "API_BASE_URL": (
        "Where WeChat is. Plain http is taken for loopback only. Leave it out in production.",
        "微信接口地址。仅本机回环地址可用 http。生产环境请勿设置。",
    ),
    "CONNECT_TIMEOUT": ("Seconds to make a connection.", "建立连接的时限（秒）。"),
    "READ_TIMEOUT": ("Seconds of silence that are borne.", "等待应答数据的时限（秒）。"),
    "TOTAL_TIMEOUT": (
        "Seconds for one request, all tries and the access token included.",
        "一次请求的总时限（秒），包含全部重试和获取 access_token。",
    ),
    "PENDING_TIMEOUT": (
        "Seconds after which an attempt without an end becomes *unknown*. More than twice `TOTAL_TIMEOUT`.",
        "未结束的尝试在多少秒后变为“未知”。必须大于 `TOTAL_TIMEOUT` 的两倍。",
    ),
    "CACHE_ALIAS": (
        "The cache of `CACHES` that holds access tokens (sealed), categories and the throttle's counters.",
        "`CACHES` 中的缓存别名，存放 access_token（加密）、类目和限流计数。",
    ),
    "ENCRYPTION_KEYS": (
        "`<id>:AES-256-GCM:<base64 of 32 bytes>` or `<id>:SM4-GCM:<base64 of 16 bytes>`. "
        "The first encrypts, all decrypt.",
        "`<编号>:AES-256-GCM:<32 字节的 base64>` 或 `<编号>:SM4-GCM:<16 字节的 base64>`。第一个用于加密，全部可解密。",
    ),
    "INDEX_KEYS": (
        "`<id>:HMAC-SHA256:<base64 of 32 bytes>`, as `realname_make_keys` prints it, or `HMAC-SM3`; "
        "`<id>:<base64>` means HMAC-SHA256. For blind indexes and token digests. The first writes, all match.",
        "`<编号>:HMAC-SHA256:<32 字节的 base64>`（`realname_make_keys` 即按此格式输出），算法也可为 `HMAC-SM3`；"
        "写作 `<编号>:<base64>` 时即为 HMAC-SHA256。用于盲索引和 token 摘要。第一个用于写入，全部可匹配。",
    ),
    "AUDIT_KEYS": (
        "In the forms of `INDEX_KEYS`, for outcome codes and seals. Unset, they are derived from `INDEX_KEYS`.",
        "格式与 `INDEX_KEYS` 相同，用于结果校验码和封存。未设置时由 `INDEX_KEYS` 派生。",
    ),
    "STORAGE": (
        "`encrypted`, or `masked`: no ciphertext is kept at all, so nothing can be revealed and no age computed.",
        "`encrypted`，或 `masked`：不保存任何密文，因而无法查看明文，也无法判断年龄。",
    ),
    "RESPONSE": (
        "`masked`, or `plain`: what the mini-program receives about its own user.",
        "`masked`，或 `plain`：向小程序返回的内容是否为明文。",
    ),
    "RETENTION_DAYS": (
        "Days after which `realname_purge` erases personal data.",
        "`realname_purge` 删除多少天以前的个人信息。",
    ),
    "THROTTLE_RATE": (
        "POSTs of one user, such as `10/min` (s, min, hour, day); `None`: any number.",
        "单个用户的 POST 频率，如 `10/min`（s、min、hour、day）；`None` 表示不限。",
    ),
    "FACE_RATE": (
        "Face verifications of one user that reached WeChat, such as `10/hour`; `None`: any number.",
        "单个用户到达微信的人脸核身次数，如 `10/hour`；`None` 表示不限。",
    ),
    "SEARCH_RATE": (
        "Searches of one officer that found nothing, such as `10/hour`; `None`: any number.",
        "单个工作人员未查到结果的查找次数，如 `10/hour`；`None` 表示不限。",
    ),
    "DATA_KEY_BACKEND": (
        "Import string of a class that opens keys given as `<id>:<algorithm>:wrapped:<base64>` (HSM, KMS).",
        "解开 `<id>:<algorithm>:wrapped:<base64>` 形式密钥的类的导入路径（HSM、KMS）。",
    ),
    "CONSENT": (
        "`required`: no call without the id of a published notice.",
        "`required` 时，每次调用都须带上已发布告知书的编号。",
    ),
    "MINORS": (
        "`refuse`: of a citizen under 14 nothing personal is stored.",
        "`refuse` 时，不存储未满十四周岁未成年人的任何个人信息。",
    ),
    "FOUR_EYES": (
        "`True`: an export in plain text waits for a second officer.",
        "`True` 时，明文导出须由另一名工作人员放行。",
    ),
    "SUBJECT_COPY": (
        "Import string, called with the request: may it have the citizen's own data in plain text?",
        "导入路径，以请求为参数调用：该请求可否取得本人的明文信息？",
    ),
    "NAME_INDEX": (
        "`exact`: a person can be found by name alone; then frequent names can be guessed from the "
        "database without a key. `none`: by number, or by number and name.",
        "`exact` 时可只按姓名查找，但常见姓名可不用密钥就从数据库中猜出；`none` 时须按证件号，或证件号加姓名查找。",
    ),
    "MASK_NAME": (
        "`last`: the name's last character is shown. `none`: no character is.",
        "`last` 显示姓名最后一字；`none` 一字不显示。",
    ),
    "EXPORT_LIMIT": ("Rows of one export in plain text.", "一次明文导出的行数上限。"),
}

MERCHANT: Both = {
    "APP_ID": ("The mini-program's appid.", "小程序的 appid。"),
    "APP_SECRET": (
        "Its secret. Not needed with an `ACCESS_TOKEN_PROVIDER`.",
        "小程序的 AppSecret。设置了 `ACCESS_TOKEN_PROVIDER` 时可省略。",
    ),
    "MCH_ID": (
        "For the button: the merchant number that is bound to the mini-program.",
        "供授权按钮使用：与小程序绑定的商户号。",
    ),
    "PRIVATE_KEY": (
        "For the button: the merchant's private key as PEM text, PKCS#1 or PKCS#8, also with `\\n` in one line.",
        "供授权按钮使用：商户私钥的 PEM 文本，PKCS#1 或 PKCS#8，也可写成含 `\\n` 的一行。",
    ),
    "PRIVATE_KEY_FILE": (
        "Or a file: PEM, or apiclient_cert.p12. The button needs one of the two with the built-in key backend.",
        "或私钥文件：PEM 或 apiclient_cert.p12。以内置密钥后端使用授权按钮时，两者必须且只能设置其一。",
    ),
    "PRIVATE_KEY_PASSPHRASE": (
        "Its passphrase. For a .p12 file it is the merchant number unless given.",
        "私钥口令。.p12 文件未给出口令时使用商户号。",
    ),
    "CERTIFICATE": (
        "For the button: the merchant's certificate as PEM text. The serial number is read from it.",
        "供授权按钮使用：商户证书的 PEM 文本，序列号从中读取。",
    ),
    "CERTIFICATE_FILE": (
        "Or a file. A .p12 file brings its own.",
        "或证书文件。.p12 文件已包含证书。",
    ),
    "CERT_SERIALNO": (
        "The serial number, where there is no certificate at hand. Given both, they must agree.",
        "证书序列号，用于手头没有证书的情形。两者都给出时必须一致。",
    ),
    "CATEGORY_ID": (
        "The button's `category-id`: first and second class, such as `[99, 904]`.",
        "授权按钮的 `category-id`：一级和二级类目的编号，如 `[99, 904]`。",
    ),
    "NEXT": (
        "The key and certificate that take over: the six names above, and `FROM`, a time with its zone.",
        "接替的私钥和证书：可用以上六个名称，外加带时区的启用时间 `FROM`。",
    ),
    "KEY_BACKEND": (
        "Import string of a class that signs and decrypts, for an HSM or a KMS.",
        "导入路径，指向负责签名和解密的类，用于 HSM 或 KMS。",
    ),
    "ACCESS_TOKEN_PROVIDER": (
        "Import string of a function that takes the appid and returns a token of your central service.",
        "导入路径，指向以 appid 为参数、返回中控服务所发 access_token 的函数。",
    ),
    "APPLICATION": (
        "What the application form asks and only you know: see *Going live*.",
        "申请表中只有您知道的内容，见“上线”。",
    ),
}

APPLICATION: Both = {
    "APPLICANT": ("Row 1: your legal name.", "第 1 行：服务提供方主体名称。"),
    "SCENE": ("Row 2: where and what for the name is asked.", "第 2 行：使用场景和服务内容。"),
    "MINI_PROGRAM_NAME": ("Row 3, beside the appid.", "第 3 行，与 appid 并列。"),
    "PRODUCT_CONTACT": ("Row 8: name, mobile number, e-mail.", "第 8 行：姓名、手机、邮箱。"),
    "DEVELOPER_CONTACT": ("Row 9: name, mobile number, e-mail.", "第 9 行：姓名、手机、邮箱。"),
    "TENCENT_CONTACT": ("Row 10, if you have one.", "第 10 行，若有。"),
    "DAILY_CALLS": (
        "Row 5: calls a day. The doctor and the overview compare it with what is counted.",
        "第 5 行：日均调用次数。诊断命令和概览页会与实际用量比较。",
    ),
    "DAILY_USERS": ("Row 5: users a day.", "第 5 行：日均用户数。"),
    "PEAK_CALLS_PER_MINUTE": (
        "Row 6; compared in the same way.",
        "第 6 行；同样会与实际用量比较。",
    ),
    "MEAN_CALLS_PER_MINUTE": ("Row 7.", "第 7 行。"),
}

WHEN: Both = {
    "invalid": (
        "The body is wrong; the fields stand under `errors`.",
        "请求体有误；各字段的问题见 `errors`。",
    ),
    "not_authenticated": ("Not logged in.", "未登录。"),
    "permission_denied": ("Logged in, and not allowed.", "已登录但没有权限。"),
    "real_name_required": (
        "Your own view asks for `RealNameVerified`.",
        "您的视图要求 `RealNameVerified`。",
    ),
    "too_young": (
        "Your own view asks for `MinimumAge`; also when no birth date is known.",
        "您的视图要求 `MinimumAge`；出生日期未知时亦然。",
    ),
    "not_found": ("No such record, or somebody else's.", "没有该记录，或记录属于他人。"),
    "method_not_allowed": ("Another HTTP method is wanted.", "请求方法不对。"),
    "unsupported_media_type": ("The body isn't application/json.", "请求体不是 application/json。"),
    "internal_error": (
        "An unexpected error; the log says where.",
        "未预料的错误；日志中有其位置。",
    ),
    "no_wechat_pay": ("The citizen has no WeChat Pay.", "用户未开通微信支付。"),
    "no_real_name": (
        "WeChat Pay knows no name; other documents than the ID card aren't offered.",
        "微信支付没有其实名信息；身份证以外的证件微信暂不提供。",
    ),
    "mismatch": (
        "A check or a face: name and number aren't this citizen's.",
        "信息核对或人脸核身：姓名、证件号不属于该用户。",
    ),
    "invalid_auth_token": ("WeChat doesn't accept the token.", "微信不接受该 token。"),
    "invalid_code": (
        "WeChat doesn't accept the code of a login or a check; or the code was used with another name.",
        "微信不接受登录或信息核对的 code；或该 code 已用于另一姓名。",
    ),
    "auth_token_in_use": (
        "Another user posted this token or code. It is audited.",
        "该 token 或 code 已由其他用户提交，并已记入审计。",
    ),
    "exchange_in_progress": (
        "The same user's same token is on its way.",
        "同一用户的同一 token 正在处理。",
    ),
    "other_merchant": (
        "The same user posted this token for another merchant.",
        "同一用户曾为另一商户提交过该 token。",
    ),
    "consent_required": (
        'CONSENT is "required" and no notice was given, or the consent to this purpose was withdrawn.',
        "CONSENT 为“required”而未带告知书，或对该目的的同意已撤回。",
    ),
    "reauthentication_required": (
        "`SUBJECT_COPY` wants a fresh login before it shows the citizen's own data.",
        "`SUBJECT_COPY` 要求重新登录后才显示本人信息。",
    ),
    "minor": (
        'MINORS is "refuse", and the citizen is under 14.',
        "MINORS 为“refuse”，且当事人未满十四周岁。",
    ),
    "face_unclear": (
        "The picture was too poor, or the face was not found in time.",
        "画面质量不足，或未能及时检测到人脸。",
    ),
    "face_cancelled": ("The citizen left the camera.", "当事人中途退出。"),
    "face_unsupported": (
        "The device can't, or WeChat may not use camera or microphone: offer another way.",
        "设备不支持，或微信无摄像头、麦克风权限：请提供其他方式。",
    ),
    "face_not_finished": (
        "The citizen is still before the camera; ask again.",
        "当事人仍在核验中；请稍后再查。",
    ),
    "face_expired": ("The verify_id's hour is over.", "verify_id 的一小时有效期已过。"),
    "throttled": (
        "More POSTs than `THROTTLE_RATE` or `FACE_RATE`.",
        "超过 `THROTTLE_RATE` 或 `FACE_RATE`。",
    ),
    "misconfigured": (
        "Appid, secret, merchant number, key, certificate, clock or IP whitelist: "
        "see the log, `wechat`, and `realname_doctor`.",
        "appid、密钥、商户号、私钥、证书、时钟或 IP 白名单有误：见日志、`wechat` 和 `realname_doctor`。",
    ),
    "wechat_busy": (
        "WeChat said -1 three times; or a fault of its own ended the face: begin anew.",
        "微信三次返回 -1；或人脸核身因微信自身故障而结束，请重新发起。",
    ),
    "quota_exhausted": ("WeChat's quota of a day or a minute.", "微信的每日或每分钟额度用尽。"),
    "wechat_unreachable": (
        "No connection, or no access token: nothing of the citizen's was sent.",
        "无法连接，或取不到 access_token：用户的数据没有发出。",
    ),
    "outcome_unknown": (
        "Sent, and no intelligible answer came: the token may be consumed.",
        "已发出但没有可理解的应答：token 可能已被消耗。",
    ),
    "unreadable_answer": (
        "The answer doesn't decrypt to a name and an ID number.",
        "应答无法解密为姓名和身份证号。",
    ),
    "wechat_error": ("A return code that nobody documents.", "文档未列出的返回码。"),
}

CALLS: Both = {
    "api": ("exchange, categories", "获取实名信息、类目"),
    "token": ("access token", "access_token"),
    "login": ("login", "登录"),
    "check": ("check", "信息核对"),
    "getverifyid": ("begin of a face", "发起人脸核身"),
    "queryverifyinfo": ("result of a face", "查询人脸核身结果"),
}
BECOMES: Both = {
    "verified": ("verified", "已核验"),
    "rejected": ("rejected", "被拒绝"),
    "failed": ("failed", "失败"),
    "unknown": ("unknown", "未知"),
    "waiting": ("stays waiting", "继续等待"),
}
WHO: Both = {
    "citizen": ("citizen", "用户"),
    "operator": ("operator", "运维"),
    "developer": ("developer", "开发"),
    "wechat": ("WeChat", "微信"),
}

# --- Chinese for what the code says in English ---------------------------------------------------

#: What is wrong, and the way out.
CHECKS: Mapping[str, tuple[str, str]] = {
    "E001": ("WX_REALNAME 缺失或有误。", "改正所指的配置项；全部配置项见“配置”。"),
    "E002": (
        "某个商户的私钥、证书或序列号缺失、无法读取或彼此不符。",
        "从微信支付商户平台“账户中心-账户设置-API安全”取得 apiclient_key.pem 和 apiclient_cert.pem"
        "（或 apiclient_cert.p12）。没有商户时可试用：python -m wx_realname.sandbox --new-merchant DIR。",
    ),
    "E004": (
        "配置中的某个导入路径无法导入。",
        "写出完整路径，如 “project.wechat.resolve_merchant”。",
    ),
    "E005": (
        "MySQL/MariaDB 的连接或某个列不是 utf8mb4：生僻字姓名会在其 token 已被消耗之后写入失败。",
        'OPTIONS["charset"] 设为 "utf8mb4"，并执行 ALTER DATABASE 和 '
        "ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4。",
    ),
    "E010": (
        "MariaDB 从 10.7 之前的版本升级后，id 列仍是 char(32)，而 Django 已按 uuid 类型查询：按 id 什么也找不到。",
        "请按 Django 5.0 发布说明中的 “Migrating existing UUIDField on MariaDB 10.7+” 对列出的每一列执行 "
        "ALTER TABLE … MODIFY … uuid。",
    ),
    "E006": (
        "数据库路由把记录与用户放在不同的数据库，而外键不能跨库。",
        "让 DATABASE_ROUTERS 把应用 wx_realname 指向用户模型所在的数据库。",
    ),
    "E009": (
        "环境变量为访问微信指定的代理或 CA 证书包无法使用：未安装 PySocks 却使用 SOCKS 代理、其他类型的代理，"
        "或文件不存在。",
        "改正 HTTPS_PROXY、ALL_PROXY、NO_PROXY 或 REQUESTS_CA_BUNDLE，或安装 PySocks。",
    ),
    "W001": (
        "证书即将到期，而到期之前没有接替的证书启用。",
        "在商户平台更换；“NEXT” 让新证书接替而无需停机。",
    ),
    "W002": (
        "使用了 MinimumAge，而 STORAGE 为 “masked”，不保存出生日期。",
        "STORAGE 设为 “encrypted”，或从 permission_classes 中去掉 MinimumAge。",
    ),
    "W003": (
        "未设置 AUDIT_KEYS：持有 INDEX_KEYS 者即可伪造结果校验码。",
        '设为 ["a1:<32 个随机字节的 base64>"]，并与 INDEX_KEYS 分开保管。',
    ),
    "W004": (
        "证书已到期，而到期之前没有接替的证书启用。",
        "在商户平台更换；“NEXT” 让新证书接替而无需停机。",
    ),
    "W005": ("API_BASE_URL 指向本机，任何人都可被“核验”。", "生产环境不要设置 API_BASE_URL。"),
    "W006": (
        "APPLICATION 中有申请表没有的名称，或应为数字而不是数字。",
        "填写正整数：概览页和诊断命令以此与实际调用比较。",
    ),
    "W007": (
        "CATEGORY_ID 不在开放类目之内（以微信最近一次返回的类目为准）。",
        "manage.py realname_doctor 会列出在开放范围内的类目。",
    ),
    "W008": (
        "RESPONSE 为 “plain”，而没有设置表明站点只经 TLS 访问。",
        "设置 SECURE_SSL_REDIRECT；由代理终结 TLS 时设置 SECURE_PROXY_SSL_HEADER；"
        "或保留 RESPONSE 的 “masked”。",
    ),
    "W009": ("DEBUG 已打开：错误页会向任何人展示局部变量和设置。", "将 DEBUG 设为 False。"),
    "W010": (
        "CACHE_ALIAS 指向进程私有的缓存，或不缓存。",
        "使用 Redis、memcached 或数据库；只有一个进程时可用私有缓存。",
    ),
    "W011": ("私钥文件可被同组或所有用户读取。", "chmod 600，且属主为运行站点的用户。"),
    "W012": (
        "同一把密钥出现在配置的两处。",
        "每把密钥分别生成：32 个随机字节。旧密钥留在新密钥之后时，已存储的数据仍可读取；"
        "然后运行 realname_rotate_keys。",
    ),
    "W013": (
        "证书为自签名：本地微信的证书，或手工制作。",
        "从微信支付商户平台“账户中心-账户设置-API安全”取得 apiclient_cert.pem：它由财付通颁发。",
    ),
    "W020": (
        "Redis 缓存没有不超过 2 秒的超时：服务器接受连接却不应答时，被放弃的操作仍占用线程和连接。",
        "在其 OPTIONS 中设置 socket_connect_timeout 和 socket_timeout，如 0.5（秒）。",
    ),
    "W021": (
        "sentry-sdk 未使用本包的函数：提交的姓名、证件号和令牌会进入其事件。",
        "将 max_request_body_size 设为 “never”，并使用 wx_realname.sentry 的 before_send 和 before_send_transaction。",
    ),
    "W022": (
        "NAME_INDEX 为 “exact”：同名者在每条记录里的索引相同，只要读到数据库，就能按出现频率猜出常见姓名。",
        "改为 “none” 并运行 realname_rotate_keys，它会清空姓名索引；工作人员确须只按姓名查找的，可忽略此项。",
    ),
    "W023": (
        "CONSENT 为 “optional”：可能没有同意的记录就获取实名信息。",
        "用 realname_notices 发布告知书，并设置 CONSENT = “required”。",
    ),
    "W024": (
        "没有名为 “default” 的商户，也未设置 MERCHANT_RESOLVER：每次调用都须指明商户。",
        "将一个商户命名为 “default”，或设置 MERCHANT_RESOLVER。",
    ),
    "W025": (
        "有记录或审计日志使用的密钥不在 ENCRYPTION_KEYS、INDEX_KEYS 或 AUDIT_KEYS 中。",
        "把该密钥重新放回列表、置于首个密钥之后；可否移除以 realname_rotate_keys 的输出为准。",
    ),
    "I001": (
        "按配置中的密钥，用一行列出哪些部分是国密、哪些不是。",
        "realname_doctor 还会检查已存储的数据；供密评人员使用的表格见“安全”一页。",
    ),
}

COMMANDS: Mapping[str, str] = {
    "realname_application": "打印申请实名信息接口所用的十行申请表，内容取自商户的 APPLICATION 和调用记录；"
    "输出 Markdown，或可打印的网页（--html）。APPLICATION 缺少的项目写到标准错误输出。",
    "realname_doctor": "检查私钥、证书和时钟，并向微信询问无需用户参与即可得知的一切：access_token、IP 白名单、类目，"
    "以及用虚构的 auth_token 试一次获取。每项一行，说明含义和处理人。有错误时以 1 退出。",
    "realname_make_keys": "生成新站点的密钥，以环境变量的形式输出；设置了 DATA_KEY_BACKEND 时已包装。"
    "每个密钥为操作系统提供的 32 个随机字节（SM4-GCM 为 16 个）。不保存任何内容，WX_REALNAME 尚未配置完整时也可运行。",
    "realname_affected": "列出某账号在一段时间内查找、查看、导出或提供副本所涉及的记录，并统计人数：每行一条记录编号，"
    "数量写到标准错误输出。信息泄露后的告知需要它。",
    "realname_erasures": "为每条已删除的记录打印一行带签名的内容。请与检查点一起保存在数据库及其备份之外。",
    "realname_evidence": "写出年度审计所需的材料：按工作人员的访问、按告知书的同意与撤回、删除、保存期限、密钥、封存、检查、配置和未成年人，"
    "不含当事人姓名和机密；JSON 与 CSV。同时像 realname_verify_audit 一样校验整个审计日志。",
    "realname_expire_audit": "清理早于某日（至少三年前）的已封存事件；记录所依据的事件保留，叶哈希保留且仍可核验。"
    "可随时中断后再运行；之后请封存，运行前须移除触发器。",
    "realname_notices": "发布文件夹中的告知书：<purpose>/<version>.<language>.md，文首为 title、handler、recipients、"
    "retention_days。同一版本的文本若有改动，将连同差异一并拒绝。",
    "realname_replay_erasures": "恢复备份后，将 realname_erasures 列表中复活的记录再次删除。"
    "可随时中断后再运行，也可同时运行两份。",
    "realname_groups": "创建用户组 “realname auditor”（可查看脱敏的记录和审计日志）和 “realname officer”"
    "（还可查看明文、导出和删除）。重复运行只补足所缺的权限，不收回任何权限。",
    "realname_protect_audit": "安装或移除数据库触发器，使数据库拒绝修改和删除审计日志、告知书与同意（可选）。",
    "realname_purge": "结束崩溃遗留的尝试（PENDING_TIMEOUT）：改为“未知”，发起人脸核身的改为“失败”；并删除超过 RETENTION_DAYS 的个人信息。"
    "可随时中断后再运行，也可同时运行两份。",
    "realname_rotate_keys": "将不在第一个 ENCRYPTION_KEYS 之下的数据重新加密，将不在第一个 INDEX_KEYS 之下的数据重建索引，"
    "并说明哪些密钥可以移除。站点无需停机；可随时中断后再运行，也可同时运行两份。有记录无法解密时以 1 退出。",
    "realname_sandbox": "以 WX_REALNAME 中的商户启动本地微信，直到 Ctrl-C。",
    "realname_seal_audit": "将未封存的审计事件归入默克尔树，链接并签名，然后打印检查点："
    "请把它保存在能修改数据库的人接触不到的地方。请定期运行；可同时运行两份。",
    "realname_settle": "向微信查询仍在等待的人脸核身：发起 10 分钟后查询一次，第 50 分钟起每次运行都查询。"
    "请每五分钟运行一次；可随时中断后再运行，也可同时运行两份。",
    "realname_usage": "按商户列出日调用量、每分钟峰值和均值，并与向微信申报的数值（APPLICATION 中的 DAILY_CALLS 和 "
    "PEAK_CALLS_PER_MINUTE）对照。先统计尚未统计的部分；可随时中断后再运行，也可同时运行两份。",
    "realname_verify_audit": "重新计算审计日志的每个节点，并将记录与其事件核对。不写入数据库，结果经 CACHE_ALIAS 供后台读取。"
    "若有任何内容被修改、删除或添加，则以 1 退出，并指明是哪个事件、封存或记录；"
    "若数据库没有应答、缺少表或拒绝访问，则以 2 退出。",
}

_LISTENING = {
    "--host": "监听地址（127.0.0.1）",
    "--port": "端口，0 为任意空闲端口（8089）",
    "--token-lifetime": "access_token 的有效期（7200 秒）",
    "--tls": "使用 TLS，CA 和证书自行生成，存于该目录（已有则沿用）",
    "--without": "微信未向该 appid 开放的途径，可多次给出",
    "--profile": "行为方式：kind 总是立即应答；real 如同生产环境：耗时中位数为 60 毫秒，每 1000 次调用有一次繁忙，偶有连接重置；"
    "unkind 每五次调用有一次故障，发生在 auth_token 被消耗之前或之后（默认 kind）",
    "--seed": "种子相同、调用顺序相同，故障也相同",
    "--rate": "遇到故障的调用所占比例，0 到 1",
    "--list-faults": "列出所有故障及选定它们的身份证号，不启动服务",
}

#: What a face verification in the sandbox comes to, by the English of `wx_realname.sandbox.VERIFY_RETS`.
VERIFY_RETS: Mapping[str, str] = {
    "passed": "通过",
    "the ID number doesn't match the name": "姓名与身份证号不一致",
    "the face doesn't match": "人脸不一致",
    "the comparison failed": "比对失败",
    "not in the authoritative source": "权威库中没有此人",
    "no such user information": "没有该用户的信息",
    "an illegal user": "用户不合法",
    "the face's features were not found": "未检出人脸特征",
    "the picture is too poor": "图像质量过低",
    "the face data are invalid": "人脸数据无效",
    "a time-out of the server": "服务端超时",
    "a time-out of the phone": "手机端超时",
    "still checking": "仍在核验",
    "not finished": "尚未完成",
    "the citizen cancelled": "用户取消",
    "the device can't": "设备不支持",
    "the camera failed": "摄像头故障",
    "no permission for the camera": "没有摄像头权限",
    "no permission for the microphone": "没有麦克风权限",
    "no permission for camera and microphone": "没有摄像头和麦克风权限",
    "the phone's network": "手机网络故障",
    "the upload failed": "上传失败",
    "the appid has no permission": "该 appid 没有权限",
    "wrong parameters": "参数错误",
    "an illegal id": "id 不合法",
    "not UTF-8": "不是 UTF-8",
    "too often, try later": "过于频繁，请稍后再试",
    "a fault of WeChat's own": "微信自身故障",
    "a repeated request: the last result again, whatever it was": "重复请求，返回上一次的结果，但不说明是哪一次",
}

#: By command ("sandbox": python -m wx_realname.sandbox) and option.
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "realname_application": {"--merchant": "商户别名（default）", "--html": "可打印的网页"},
    "realname_make_keys": {"--sm": "SM4-GCM 与 HMAC-SM3 密钥"},
    "realname_protect_audit": {"--install": "安装触发器", "--remove": "移除触发器"},
    "realname_purge": {"--batch-size": "每批行数（500）", "--dry-run": "只报告数量"},
    "realname_affected": {
        "--actor": "账号名或编号",
        "--from": "起始日期或时间（含）",
        "--to": "截止日期（含）或时间",
    },
    "realname_erasures": {"--batch-size": "每批行数（500）", "--dry-run": "只报告数量"},
    "realname_evidence": {
        "--year": "年份",
        "FOLDER": "写入的文件夹；不给则打印 JSON",
        "--batch-size": "每批行数（1000）",
        "--dry-run": "不写文件，只列出文件名",
    },
    "realname_expire_audit": {
        "--before": "日期，如 2023-01-01",
        "--force": "不足三年也执行",
        "--batch-size": "每批行数（1000）",
        "--dry-run": "只报告数量",
    },
    "realname_notices": {
        "FOLDER": "含有 <purpose>/<version>.<language>.md 的文件夹",
        "--dry-run": "只报告新告知书",
    },
    "realname_replay_erasures": {
        "FILE": "realname_erasures 打印的清单",
        "--batch-size": "每批行数（500）",
        "--dry-run": "只列出复活的记录",
    },
    "realname_settle": {
        "--batch-size": "每批行数（500）",
        "--all": "立即查询所有等待中的记录",
        "--dry-run": "只报告数量",
    },
    "realname_rotate_keys": {
        "--batch-size": "每批行数（2000）",
        "--dry-run": "只按密钥统计记录数",
    },
    "realname_sandbox": _LISTENING,
    "realname_seal_audit": {
        "--batch-size": "每批行数（10000）",
        "--dry-run": "只报告未封存的数量",
    },
    "realname_usage": {
        "--days": "回溯天数（30）",
        "--batch-size": "每批行数（100000）",
        "--dry-run": "不统计新的部分",
        "--recount": "依审计日志重新统计所有小时：统计本身不封存",
    },
    "realname_verify_audit": {
        "--checkpoint": "realname_seal_audit 打印的检查点：证明今天的审计日志是它的延续",
        "--erasures": "realname_erasures 打印的清单：指明哪些已删除的记录又恢复了",
        "--batch-size": "每批行数（1000）",
        "--dry-run": "只报告数量",
    },
    "sandbox": {
        **_LISTENING,
        "--app-id": "小程序的 appid",
        "--mch-id": "与之绑定的商户号",
        "--certificate": "商户证书（PEM）；给出两次可模拟证书更换",
        "--app-secret-file": "存放 AppSecret 的文件（否则取 $WX_REALNAME_APP_SECRET）",
        "--new-merchant": "在该目录生成私钥、证书和 AppSecret，打印需要 export 的各行，并开始服务",
    },
}
