# What pages say, in Russian.

## Frame
nav-inbox = Входящие
nav-overview = Обзор
nav-findings = Находки
nav-sensors = Датчики
nav-rules = Правила
nav-reports = Отчёты
nav-users = Люди
nav-audit = Журнал аудита
nav-main = Главное меню
nav-account = Ваша учётная запись
skip-to-content = К содержанию
sign-out = Выйти
keys-hint = Клавиши: j и k — перемещение, Enter — открыть, / — поиск, ? — эта подсказка
role-viewer = читатель
role-analyst = аналитик
role-rule-editor = редактор правил
role-fleet = парк датчиков
role-administrator = администратор
role-isp-contact = контакт провайдера
scope-nation = вся страна
none-yet = Пока ничего.
never = никогда
yes = да
no = нет
save = Сохранить
add = Добавить

## Login
login-title = Вход
login-user = Имя пользователя
login-password = Пароль
login-code = Одноразовый код, если настроен
login-stale = Форма устарела. Попробуйте ещё раз.
login-paused = Слишком много неудачных попыток. Подождите { $count } мин и повторите.
login-wrong = Имя, пароль и код не подходят друг к другу.

## Account
account-title = Ваша учётная запись
account-language = Язык
account-language-browser = как просит браузер
account-second-factor = Второй фактор
account-second-factor-on = Второй фактор настроен: каждый вход требует кода.
account-second-factor-off = Второй фактор не настроен. Настройте его сейчас.
account-second-factor-how = Отсканируйте приложением-аутентификатором или введите ключ, затем введите показанный код.
account-second-factor-key = Ключ
account-code = Код
account-second-factor-set = Настроить
account-second-factor-replace = Заменить
account-tokens = Токены для программ
account-token-name = Назначение
account-token-scopes = Что разрешено
account-token-days = Дней
account-token-until = До, UTC
account-token-used = Последнее использование, UTC
account-token-revoke = Отозвать
account-token-over = недействителен
account-token-new = Новый токен, показывается один раз:

## People
users-title = Люди
users-add = Добавить человека
users-name = Имя
users-role = Роль
users-sees = Видит
users-last-login = Последний вход, UTC
users-disable = Отключить
users-disabled = отключён
users-reset = Новый пароль
users-secret = Пароль { $value }, показывается один раз:
tenants-title = Провайдеры и секторы
tenants-kind = Вид
tenants-provider = провайдер
tenants-sector = сектор
tenants-full-name = Полное название
tenants-add = Добавить провайдера или сектор

## Audit
audit-title = Журнал аудита
audit-whole = { $count } строк, каждая связана с предыдущей: ни одна не изменена. Запишите этот отпечаток в другом месте:
audit-broken = Строка { $count } отличается от записанной.
audit-when = Когда, UTC
audit-who = Кто
audit-what = Что
audit-subject = С чем

## Findings
findings-count = { $count ->
    [one] { $count } находка
    [few] { $count } находки
    [many] { $count } находок
   *[other] { $count } находки
    }

## Sensors
sensors-place = Где стоит
sensors-nowhere = без провайдера и сектора
