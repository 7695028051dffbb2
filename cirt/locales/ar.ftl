# What pages say, in Arabic.

## Frame
nav-inbox = الوارد
nav-overview = نظرة عامة
nav-findings = النتائج
nav-sensors = المجسّات
nav-rules = القواعد
nav-reports = التقارير
nav-alarms = الإنذارات
nav-users = الأشخاص
nav-audit = سجل التدقيق
nav-main = الرئيسية
nav-account = حسابك
skip-to-content = انتقل إلى المحتوى
sign-out = تسجيل الخروج
keys-hint = المفاتيح: j و k للتنقل، Enter للفتح، / للبحث، ? لعرض هذا
role-viewer = مطّلع
role-analyst = محلّل
role-rule-editor = محرّر القواعد
role-fleet = مسؤول المجسّات
role-administrator = مدير
role-isp-contact = جهة اتصال المزوّد
scope-nation = الدولة كلها
none-yet = لا شيء بعد.
never = أبدًا
yes = نعم
no = لا
save = حفظ
add = إضافة

## Login
login-title = تسجيل الدخول
login-user = اسم المستخدم
login-password = كلمة المرور
login-code = رمز لمرة واحدة، إن كنت قد أعددته
login-stale = انتهت صلاحية النموذج. حاول مرة أخرى.
login-paused = محاولات فاشلة كثيرة. انتظر { $count } دقيقة ثم حاول مجددًا.
login-wrong = اسم المستخدم وكلمة المرور والرمز غير متوافقة.

## Account
account-title = حسابك
account-language = اللغة
account-language-browser = كما يطلب المتصفح
account-second-factor = العامل الثاني
account-second-factor-on = العامل الثاني مُعدّ: كل تسجيل دخول يتطلب رمزًا.
account-second-factor-off = لا يوجد عامل ثانٍ. أعدّه الآن.
account-second-factor-how = امسح هذا بتطبيق مصادقة أو اكتب المفتاح، ثم أدخل الرمز الظاهر.
account-second-factor-key = المفتاح
account-code = الرمز
account-second-factor-set = إعداد
account-second-factor-replace = استبداله
account-tokens = رموز للبرامج
account-token-name = الغرض
account-token-scopes = الصلاحيات
account-token-days = أيام
account-token-until = حتى، UTC
account-token-used = آخر استخدام، UTC
account-token-revoke = إلغاء
account-token-over = منتهٍ
account-token-new = الرمز الجديد، يُعرض مرة واحدة:

## People
users-title = الأشخاص
users-add = إضافة شخص
users-name = الاسم
users-role = الدور
users-sees = يرى
users-last-login = آخر دخول، UTC
users-disable = تعطيل
users-disabled = معطّل
users-reset = كلمة مرور جديدة
users-secret = كلمة مرور { $value }، تُعرض مرة واحدة:
tenants-title = المزوّدون والقطاعات
tenants-kind = النوع
tenants-provider = مزوّد
tenants-sector = قطاع
tenants-full-name = الاسم الكامل
tenants-add = إضافة مزوّد أو قطاع

## Audit
audit-title = سجل التدقيق
audit-whole = { $count } سطرًا، كل منها مرتبط بما قبله: لم يتغير أي منها. دوّن هذه البصمة في مكان آخر:
audit-broken = السطر { $count } ليس كما كُتب.
audit-when = متى، UTC
audit-who = من
audit-what = ماذا
audit-subject = على ماذا

## Findings
findings-count = { $count ->
    [zero] لا نتائج
    [one] نتيجة واحدة
    [two] نتيجتان
    [few] { $count } نتائج
    [many] { $count } نتيجة
   *[other] { $count } نتيجة
    }

## Sensors
sensors-place = مكانه
sensors-nowhere = لا مزوّد ولا قطاع

## Words used everywhere
search = بحث
sensor = المجسّ
provider = المزوّد
finding = النتيجة
source = المصدر
destination = الوجهة
rule = القاعدة
category = الفئة
class-type = الصنف
references = المراجع
case = القضية
ago-seconds = قبل { $count } ث
ago-minutes = قبل { $count } د
ago-hours = قبل { $count } س
ago-days = قبل { $count } يوم
ago-future = في المستقبل
severity-high = عالية
severity-medium = متوسطة
severity-low = منخفضة
severity-info = معلومة
sensors-count = { $count ->
    [zero] لا مجسّات
    [one] مجسّ واحد
    [two] مجسّان
    [few] { $count } مجسّات
    [many] { $count } مجسًّا
   *[other] { $count } مجسّ
    }

## Inbox
inbox-groups = { $count ->
    [zero] لا مجموعات
    [one] مجموعة واحدة
    [two] مجموعتان
    [few] { $count } مجموعات
    [many] { $count } مجموعة
   *[other] { $count } مجموعة
    }
inbox-open = مفتوحة
inbox-mine = لي
inbox-free = بلا مسؤول
inbox-closed = مغلقة
inbox-search = كلمات من القاعدة أو sid أو صنف
inbox-empty = لا شيء هنا. الهدوء ليس كالعمى: تحقق من اتصال المجسّات.
inbox-folded = { $count ->
    [zero] لا مجموعات مطوية
    [one] مجموعة مطوية
    [two] مجموعتان مطويتان
    [few] { $count } مجموعات مطوية
    [many] { $count } مجموعة مطوية
   *[other] { $count } مجموعة مطوية
    }
inbox-with-chosen = بالمختارة
tier-infection = مشتركون مصابون يتصلون بالخارج
tier-critical = البنية التحتية الحرجة
tier-widespread = رآه مزوّدون كثيرون
tier-grave = خطيرة
tier-other = أخرى
tier-noise = ضجيج
reason-infection = { $count ->
    [zero] لا نتائج
    [one] نتيجة لمشترك يتصل بالخارج
    [two] نتيجتان لمشتركين يتصلان بالخارج
    [few] { $count } نتائج لمشتركين يتصلون بالخارج
    [many] { $count } نتيجة لمشتركين يتصلون بالخارج
   *[other] { $count } نتيجة لمشتركين يتصلون بالخارج
    }
reason-critical = { $count ->
    [zero] لا نتائج
    [one] نتيجة تمسّ بنية حرجة
    [two] نتيجتان تمسّان بنية حرجة
    [few] { $count } نتائج تمسّ بنية حرجة
    [many] { $count } نتيجة تمسّ بنية حرجة
   *[other] { $count } نتيجة تمسّ بنية حرجة
    }
reason-many-providers = { $count ->
    [zero] لم يره أحد
    [one] رآه مزوّد واحد
    [two] رآه مزوّدان
    [few] رآه { $count } مزوّدين معًا
    [many] رآه { $count } مزوّدًا معًا
   *[other] رآه { $count } مزوّد معًا
    }
reason-severity-high = تقول القاعدة: عالية
reason-severity-medium = تقول القاعدة: متوسطة
reason-severity-low = تقول القاعدة: منخفضة
reason-severity-info = تقول القاعدة: للعلم
reason-came-back = { $count ->
    [zero] لم يعد
    [one] عاد بعد إغلاقه
    [two] عاد مرتين بعد إغلاقه
    [few] عاد { $count } مرات بعد إغلاقه
    [many] عاد { $count } مرة بعد إغلاقه
   *[other] عاد { $count } مرة بعد إغلاقه
    }
reason-silent = { $count ->
    [zero] غير صامت
    [one] صامت منذ يوم
    [two] صامت منذ يومين
    [few] صامت منذ { $count } أيام
    [many] صامت منذ { $count } يومًا
   *[other] صامت منذ { $count } يوم
    }
came-back = عاد
closed-at = أُغلق { $value }
act-do = نفّذ
act-take = استلام
act-assign = مسند إلى
act-classify = الصنف (RSIT)
act-merge = القضية
act-notified = أُبلغ
act-notified-whom = من وكيف
act-comment = تعليق
act-close = إغلاق
act-close-with = إغلاق بهذه الملاحظة
act-reopen = إعادة فتح
views-title = العروض المحفوظة
views-name = احفظ هذا العرض باسم
views-share = للزملاء أيضًا
views-forget = حذف { $value }
cases-title = القضايا
cases-new = فتح قضية
cases-empty = لا مجموعات في هذه القضية بعد.

## A group
group-why = لماذا هذا الترتيب
group-days = النتائج يوميًا، 30 يومًا
group-places = أين شوهد
group-newest = أحدث النتائج
group-all-findings = كل نتائج هذه المجموعة
group-work = العمل عليها
group-facts = المعروف
group-timeline = ما تم
playbook = ما يجب فعله أولًا
playbook-infected = أبلغ المزوّد بالمجسّ والوقت بالميلي ثانية ومنفذ المصدر والطرف البعيد؛ فهو يجد المشترك. ابحث عن الطرف البعيد لدى كل المزوّدين: كل من يخاطبه مصاب أيضًا. أغلق بعد أسبوع من الصمت.
playbook-scan = المسح من الخارج أمر معتاد: تحرّك إذا رأى مزوّدون كثيرون المصدر نفسه أو إذا وجد شيئًا. المسح من مشترك إصابة: عامله كذلك.
playbook-brute-force = ابحث عن دخول ناجح بعد المحاولات الفاشلة. أبلغ صاحب الهدف بتغيير كلمات المرور وتفعيل عامل ثانٍ وتقييد من يتصل.
playbook-exploit = انظر بماذا أجاب الهدف: البايتات نحو العميل تدل على النجاح. أبلغ صاحبه بالمنتج المقصود ومكان الإصلاح. ابحث عن المصدر في كل المجسّات.
playbook-denial = اسأل مزوّد الهدف عن المعدل وهل المصادر مزوّرة. اطلب الترشيح من المزوّدين الأعلى. الحركة المنعكسة تأتي من خدمات مفتوحة: أغلق ما لدينا منها.
playbook-other = اقرأ القاعدة ومراجعها ثم انظر من رأى أيًّا من الطرفين. إن لم يكن شيئًا فاذكر السبب وأغلق؛ سيعود من تلقاء نفسه.
event-assigned = أُسند
event-comment = علّق
event-classified = صُنّف
event-tlp = حُدّد TLP
event-notified = أُبلغ المعنيون
event-closed = أُغلق
event-reopened = أُعيد فتحه
event-relapse = عاد من تلقاء نفسه
event-merged = أُدرج في قضية
fact-findings = النتائج
fact-alerts = التنبيهات
fact-sensors = المجسّات
fact-providers = المزوّدون
fact-first = أول ظهور، UTC
fact-last = آخر ظهور، UTC
fact-stored = معروف هنا منذ، UTC
fact-notified = أُبلغ، UTC
fact-closed = أُغلق، UTC

## Findings
filter = ترشيح
filter-query = استعلام: severity:high since:7d host:bad.example كلمات
filter-since = منذ
filter-until = حتى
filter-severity = الخطورة
filter-rule = القاعدة
filter-address = العنوان
filter-host = المضيف
filter-any = الكل
filter-medium-up = متوسطة فأعلى
filter-low-up = منخفضة فأعلى
filter-remove = أزل المرشح { $value }
filter-remove-all = إزالة الكل
filter-more = مرشحات أخرى
download-csv = تنزيل CSV
pages = الصفحات
pages-newest = الأحدث
pages-older = الأقدم
withheld = محجوب
pseudonym = اسم مستعار
withheld-means = سياسة المزوّد تحجب هذا العنوان.
pseudonym-means = اسم مستعار بمفتاح المزوّد { $value }. هو وحده يستطيع ردّه.
finding-said = ما قيل
finding-no-facts = لم يرسل المجسّ حقائق من طبقة التطبيق.
finding-when = متى، UTC
finding-how-much = الكمية
finding-origin = من أين جاء
finding-rule-unknown = نص هذه القاعدة غير معروف هنا. أضفه بـ:
finding-who-else = من رأى أيضًا { $value }
finding-who-nobody = لم يره أي مجسّ آخر.
finding-group = مجموعته
go-on = تابع
go-same-rule = نتائج هذه القاعدة
go-same-sensor = نتائج هذا المجسّ
go-address = نتائج مع { $value }

## A finding
direction-to-server = إلى الخادم
direction-to-client = إلى العميل
direction-unknown = بلا تدفق
packets-count = { $count ->
    [zero] لا حزم
    [one] حزمة واحدة
    [two] حزمتان
    [few] { $count } حزم
    [many] { $count } حزمة
   *[other] { $count } حزمة
    }
finding-first-packet = أول حزمة
finding-last-packet = آخر حزمة
finding-flow-began = بدء التدفق
finding-written = كتبه المجسّ
finding-clock = ساعة المجسّ
finding-stored = خُزّن هنا
finding-alerts = تنبيهات في هذه النتيجة
finding-protocol = البروتوكول
finding-action = إجراء القاعدة
finding-batch = الدفعة
finding-record = السجل
finding-policy = السياسة

## Overview
summary-missing = سجلات مفقودة
summary-doubled = سجلات مكررة
summary-over-time = النتائج عبر الزمن
summary-bar = العمود الواحد { $value }
summary-peak = الأعلى { $value }
summary-by-rule = حسب القاعدة
summary-by-sensor = حسب المجسّ
summary-by-provider = حسب المزوّد
summary-by-category = حسب الفئة
summary-fleet = المجسّات

## Sensors
condition-pending = ينتظر الموافقة
condition-revoked = مستبعد
condition-offline = غير متصل
condition-unknown = غير معروف
condition-blind = أعمى
condition-wrong-clock = ساعة خاطئة
condition-starved = الميزانية لا تكفي
condition-stale-rules = قواعد قديمة
condition-seeing = يرى
condition-quiet = هادئ
cause-approval = على شخص مقارنة مفتاحه واتخاذ القرار
cause-decision = قرار شخص
cause-never-heard = لم يتصل قط
cause-silent = { $count ->
    [zero] على اتصال
    [one] لم يُسمع منذ ساعة
    [two] لم يُسمع منذ ساعتين
    [few] لم يُسمع منذ { $count } ساعات
    [many] لم يُسمع منذ { $count } ساعة
   *[other] لم يُسمع منذ { $count } ساعة
    }
cause-no-status = على اتصال لكنه لم يُخبر بشيء عن نفسه
cause-no-packets = الالتقاط: لا تصل أي حزمة
cause-not-decoded = فك الترميز: { $count }٪ من الحزم غير مفهومة
cause-dropped = الالتقاط: أُسقطت { $count }٪ من الحزم
cause-no-policy = السياسة: ينتظر توقيع المزوّد
cause-clock-unset = الساعة: لم تُضبط قط
cause-clock-ahead = الساعة: متقدمة { $count } دقيقة
cause-held = الوصلة: أقدم سجل ينتظر منذ { $count } س
cause-old-pack = القواعد: ليست أحدث حزمة
cause-no-rules = القواعد: لا شيء محمّل
cause-findings = { $count ->
    [zero] لا نتائج اليوم
    [one] نتيجة واحدة في يوم
    [two] نتيجتان في يوم
    [few] { $count } نتائج في يوم
    [many] { $count } نتيجة في يوم
   *[other] { $count } نتيجة في يوم
    }
cause-traffic = يرى حركة ولا شيء فيها
sensors-none = لم يُسجَّل أي مجسّ. أنشئ قسيمة بـ:
sensors-condition = الحالة
sensors-explain = يرقّم كل مجسّ سجلاته بلا فجوات: المنتَج = المخزَّن + المُزال + المفقود. المُزال أسقطه قرص ممتلئ وأبلغ عنه؛ والمفقود في الطريق أو ضائع.
sensor-identity = الهوية
sensor-fingerprint = بصمة المفتاح
sensor-asked = طُلب التسجيل
sensor-decided = تاريخ القرار
sensor-decided-by = قرار
sensor-certificate = الشهادة حتى
sensor-contact = آخر اتصال
sensor-address = آخر عنوان
sensor-batches = دفعات مخزّنة
sensor-batches-again = دفعات تكررت
sensor-batches-unreadable = دفعات غير مقروءة
sensor-batches-conflicting = دفعات متعارضة
sensor-records-again = سجلات تكررت
sensor-findings-told = نتائج تذكرها ملخصاته
sensor-findings-kept-back = حجبتها سياسته
sensor-heartbeat = النبضة
sensor-software = البرنامج
sensor-pack = حزمة القواعد
sensor-waiting = ينتظر هناك
sensor-decide = القرار
sensor-compare = اطلب من الفني قراءة البصمة من الجهاز. وافق فقط إن طابقت هذه.
sensor-approve = وافق على { $value }
sensor-revoke = ألغِ { $value }
sensor-machine = ما قاله الجهاز عن نفسه
coverage = ما فُحص
coverage-until = حتى
coverage-packets = الحزم
coverage-decoded = حزم مفهومة
coverage-dropped = حزم مُسقطة
coverage-bytes = البايتات
coverage-inspected = فُحص
coverage-rules = قواعد عملت
coverage-unsupported = قواعد لا يدعمها
coverage-vetoed = قواعد رفضها المزوّد
books = الحسابات
books-balance = متوازنة
books-alarms = متوازنة مع إنذارات
books-nothing = لا شيء بعد
books-missing = { $count } مفقود
books-doubled = { $count } مكرر
books-by-lane = الحسابات حسب المسار
books-outbox = صندوق الصادر
books-lane = المسار
books-produced = المنتَج
books-stored = المخزَّن
books-evicted = المُزال
books-lost = المفقود
books-holes = الأرقام المفقودة
alarms = الإنذارات
alarm-detail = التفاصيل

## News and reports
live-news = نتائج جديدة.
live-show = اعرضها
report-weekly = تقرير أسبوعي
report-monthly = تقرير شهري
report-period = الفترة
report-week = سبعة أيام
report-month = شهر تقويمي
report-end = قبل هذا اليوم
report-show = عرض
report-trend = مقارنة بالفترة السابقة
report-matters = الأهم
report-tier = الرتبة
report-work = مدة العمل
report-step = الخطوة
report-median = الوسيط
report-of = المجموعات
report-detect = حتى عُرف هنا
report-notify = حتى أُبلغ المعنيون
report-remediate = حتى أُغلق
report-classes = المجموعات حسب الصنف (RSIT)
report-made = أُعدّ { $value } من مجاميع المخزن نفسه.

## Rules desk
rules-known = { $value } قاعدة معروفة
rules-draft = مسودة بلغة Suricata
rules-check = تحقق وشغّل على الالتقاطات المخزنة
rules-import = عرّف الصفحات بهذه النصوص
rules-captures = { $count ->
    [zero] لا التقاطات في
    [one] التقاط واحد في
    [two] التقاطان في
    [few] { $count } التقاطات في
    [many] { $count } التقاطًا في
   *[other] { $count } التقاط في
    }
rules-result = نتيجة المسودة
rules-imported = تعرف الصفحات هذه القواعد الآن. تصل المجسّات عند النشر.
rules-run = قواعد تعمل
rules-refused = مرفوضة
rules-size = حجم الحزمة
rules-message = الرسالة
rules-difference = مقارنة بالمعروف
rules-alerts = التنبيهات
rules-back-test = على الالتقاطات المخزنة
rules-capture = الالتقاط
rules-took = المدة
rules-who-runs = أي مجسّ يشغّل ماذا
rules-published = نُشر { $value } UTC:
rules-not-published = لا حزمة منشورة بعد:
rules-newest = الأحدث
rules-older = غيره
draft-new = جديدة
draft-changed = معدّلة
draft-not-newer = معدّلة لكن rev ليس أعلى
draft-same = نفسها

## Questions in SQL
sql-title = أسئلة بلغة SQL
sql-explain = استعلام SELECT واحد على الجداول أدناه. صفوفك وحدها، خلال { $value } ث على الأكثر، للقراءة فقط؛ ويُدوَّن ما تسأله في سجل التدقيق.
sql-question = السؤال
sql-ask = اسأل
sql-answer = الجواب
sql-cut = هناك صفوف أخرى: أضف LIMIT أو اجمع، أو نزّل كل ما يسعه جواب واحد.
sql-examples = للبداية
sql-tables = الجداول والأعمدة
sql-example-ports = المنافذ المستهدفة في الأيام السبعة الماضية
sql-example-many-sensors = العناوين التي رأتها مجسّات عدة
sql-example-rules = القواعد الأكثر عثورًا، وعلى كم مجسّ
sql-example-hours = أكثر ساعات المجسّات ازدحامًا
sql-rows = { $count ->
    [zero] لا صفوف
    [one] صف واحد
    [two] صفان
    [few] { $count } صفوف
    [many] { $count } صفًا
   *[other] { $count } صف
    }

## Suppressions
suppressions-title = الكتم
suppressions-explain = لا يضيع شيء: النتائج المكتومة محفوظة ويُعثر عليها وتُحسب في كل المجاميع. تبقى خارج مجموعات صندوق الوارد ولا تطلق إنذارًا. وما كان في مجموعة من قبل يبقى فيها.
suppressed-this-week = { $count ->
    [zero] لا نتائج مكتومة في سبعة أيام
    [one] نتيجة واحدة مكتومة في سبعة أيام
    [two] نتيجتان مكتومتان في سبعة أيام
    [few] { $count } نتائج مكتومة في سبعة أيام
    [many] { $count } نتيجة مكتومة في سبعة أيام
   *[other] { $count } نتيجة مكتومة في سبعة أيام
    }
suppressions-what = ماذا
suppressions-why = لماذا
suppressions-week = في سبعة أيام
suppressions-all = المجموع
suppressions-since = منذ، UTC
suppressions-until = حتى، UTC
suppressions-ended = أُنهي
suppressions-expired = انقضى
suppressions-end = إنهاء
suppressions-add = اكتم من الآن
suppressions-network = شبكة أحد الطرفين
suppressions-days = أيام
suppressions-close = وأغلق مجموعة القاعدة
suppressions-do = اكتم
suppress-this-rule = اكتم هذه القاعدة…
finding-suppressed = أُبقيت خارج مجموعتها بسبب الكتم

## Alarms by mail and webhook
alarms-explain = يُبلَّغ الأشخاص والبرامج بما يأتي منذ إنشاء القاعدة، وبكل شيء مرة واحدة. تذكر الرسالة القواعد والمستشعرات والأعداد، ولا تذكر عنوانًا ولا محتوى. يمر البريد عبر الخادم المذكور في exchange.toml.
alarms-secret = سر { $value }، يظهر مرة واحدة:
alarms-targets = من يُبلَّغ
alarms-address = بريد أو عنوان https://
alarms-pause = دقائق بين الرسائل
alarms-authority = شهادات سلطته (PEM) إن لم تعرفها المتصفحات
alarms-add-target = إضافة
alarms-try = تجربة
alarms-remove = إزالة
alarms-rules = بماذا يُبلَّغ
alarms-what = ماذا
alarms-where = أين
alarms-whom = لمن
alarms-kind-group = تظهر مجموعة أو تشتد أو تعود
alarms-kind-sensor = يصبح مستشعر
alarms-kind-batch = مشكلة في دفعة
alarms-messages = الرسائل
alarms-events = الأحداث
alarms-state = الحالة
alarms-state-waiting = تنتظر
alarms-state-sent = أُرسلت
alarms-state-given-up = تُركت
alarms-count = { $count ->
    [zero] لا إنذارات
    [one] إنذار واحد
    [two] إنذاران
    [few] { $count } إنذارات
    [many] { $count } إنذارًا
   *[other] { $count } إنذار
    }
alarms-more = { $count ->
    [zero] لا غيرها
    [one] وواحد آخر مثلها
    [two] واثنان آخران مثلها
    [few] و{ $count } أخرى مثلها
    [many] و{ $count } أخرى مثلها
   *[other] و{ $count } أخرى مثلها
    }
alarms-look = المزيد في صفحات المركز.
alarms-test = تجربة من { $value }: الرسائل تصل.
