# What pages say, in Arabic.

## Frame
nav-inbox = الوارد
nav-overview = نظرة عامة
nav-findings = النتائج
nav-sensors = المجسّات
nav-rules = القواعد
nav-reports = التقارير
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
