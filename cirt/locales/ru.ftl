# What pages say, in Russian.

## Frame
nav-inbox = Входящие
nav-overview = Обзор
nav-findings = Находки
nav-sensors = Датчики
nav-rules = Правила
nav-reports = Отчёты
nav-alarms = Тревоги
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

## Words used everywhere
search = Искать
sensor = Датчик
provider = Провайдер
finding = Находка
source = Источник
destination = Назначение
rule = Правило
category = Категория
class-type = Класс
references = Ссылки
case = Дело
ago-seconds = { $count } с назад
ago-minutes = { $count } мин назад
ago-hours = { $count } ч назад
ago-days = { $count } дн назад
ago-future = в будущем
severity-high = Высокая
severity-medium = Средняя
severity-low = Низкая
severity-info = Сведения
sensors-count = { $count ->
    [one] { $count } датчик
    [few] { $count } датчика
    [many] { $count } датчиков
   *[other] { $count } датчика
    }

## Inbox
inbox-groups = { $count ->
    [one] { $count } группа
    [few] { $count } группы
    [many] { $count } групп
   *[other] { $count } группы
    }
inbox-open = Открытые
inbox-mine = Мои
inbox-free = Ничьи
inbox-closed = Закрытые
inbox-search = Слова правила, sid или класс
inbox-empty = Здесь пусто. Тихо — не значит слепо: проверьте, на связи ли датчики.
inbox-folded = { $count ->
    [one] ещё { $count } группа, свёрнута
    [few] ещё { $count } группы, свёрнуты
    [many] ещё { $count } групп, свёрнуты
   *[other] ещё { $count } группы, свёрнуты
    }
inbox-with-chosen = С выбранными
tier-infection = Заражённые абоненты выходят на связь
tier-critical = Критическая инфраструктура
tier-widespread = Видят многие провайдеры
tier-grave = Тяжёлые
tier-other = Прочие
tier-noise = Шум
reason-infection = { $count ->
    [one] { $count } находка: абонент выходит на связь
    [few] { $count } находки: абоненты выходят на связь
    [many] { $count } находок: абоненты выходят на связь
   *[other] { $count } находки: абоненты выходят на связь
    }
reason-critical = { $count ->
    [one] { $count } находка касается критической инфраструктуры
    [few] { $count } находки касаются критической инфраструктуры
    [many] { $count } находок касаются критической инфраструктуры
   *[other] { $count } находки касаются критической инфраструктуры
    }
reason-many-providers = { $count ->
    [one] видит { $count } провайдер
    [few] видят сразу { $count } провайдера
    [many] видят сразу { $count } провайдеров
   *[other] видят сразу { $count } провайдера
    }
reason-severity-high = правило говорит: высокая
reason-severity-medium = правило говорит: средняя
reason-severity-low = правило говорит: низкая
reason-severity-info = правило говорит: к сведению
reason-came-back = { $count ->
    [one] вернулось после закрытия { $count } раз
    [few] вернулось после закрытия { $count } раза
    [many] вернулось после закрытия { $count } раз
   *[other] вернулось после закрытия { $count } раза
    }
reason-silent = { $count ->
    [one] молчит { $count } день
    [few] молчит { $count } дня
    [many] молчит { $count } дней
   *[other] молчит { $count } дня
    }
came-back = вернулось
closed-at = закрыто { $value }
act-do = Выполнить
act-take = Взять
act-assign = Назначено
act-classify = Класс (RSIT)
act-merge = Дело
act-notified = Уведомлён
act-notified-whom = кто и как
act-comment = Комментировать
act-close = Закрыть
act-close-with = Закрыть с этим словом
act-reopen = Открыть снова
views-title = Сохранённые виды
views-name = Сохранить этот вид как
views-share = и для коллег
views-forget = Забыть { $value }
cases-title = Дела
cases-new = Открыть дело
cases-empty = В этом деле пока нет групп.

## A group
group-why = Почему на этом месте
group-days = Находок в день, 30 дней
group-places = Где это видели
group-newest = Новейшие находки
group-all-findings = Все находки этой группы
group-work = Работа
group-facts = Что известно
group-timeline = Что сделано
playbook = Что делать сначала
playbook-infected = Сообщите провайдеру датчик, время до миллисекунды, порт источника и дальний конец; он найдёт абонента. Ищите дальний конец у всех провайдеров: кто с ним говорит, тоже заражён. Закройте после недели тишины.
playbook-scan = Сканирование извне — как погода: действуйте, если один источник видят многие провайдеры или он что-то нашёл. Сканирование от абонента — заражение: так и поступайте.
playbook-brute-force = Ищите вход, удавшийся после неудач. Скажите владельцу цели сменить пароли, включить второй фактор и ограничить доступ.
playbook-exploit = Посмотрите, что ответила цель: байты к клиенту скажут, удалось ли. Скажите владельцу, о каком продукте речь и где исправление. Ищите источник на всех датчиках.
playbook-denial = Спросите у провайдера цели скорость и не подделаны ли источники. Попросите вышестоящих фильтровать. Отражённый трафик идёт от открытых служб: найдите и закройте наши.
playbook-other = Прочтите правило и ссылки, посмотрите, кто ещё видел любой из концов. Если это пустяк, напишите почему и закройте; само вернётся.
event-assigned = назначено
event-comment = комментарий
event-classified = классифицировано
event-tlp = задан TLP
event-notified = уведомлены те, кого касается
event-closed = закрыто
event-reopened = открыто снова
event-relapse = вернулось само
event-merged = включено в дело
fact-findings = Находки
fact-alerts = Срабатывания
fact-sensors = Датчики
fact-providers = Провайдеры
fact-first = Впервые, UTC
fact-last = В последний раз, UTC
fact-stored = Известно здесь с, UTC
fact-notified = Уведомлено, UTC
fact-closed = Закрыто, UTC

## Findings
filter = Отобрать
filter-query = Запрос: severity:high since:7d host:bad.example слова
filter-since = С
filter-until = До
filter-severity = Тяжесть
filter-rule = Правило
filter-address = Адрес
filter-host = Узел
filter-any = любая
filter-medium-up = средняя и выше
filter-low-up = низкая и выше
filter-remove = Убрать фильтр { $value }
filter-remove-all = Убрать все
filter-more = Другие фильтры
download-csv = Скачать CSV
pages = Страницы
pages-newest = Новейшие
pages-older = Старше
withheld = скрыт
pseudonym = псевдоним
withheld-means = Политика провайдера скрывает этот адрес.
pseudonym-means = Псевдоним под ключом провайдера { $value }. Раскрыть может только он.
finding-said = Что было сказано
finding-no-facts = Датчик не прислал сведений прикладного уровня.
finding-when = Когда, UTC
finding-how-much = Сколько
finding-origin = Откуда
finding-rule-unknown = Текст этого правила здесь неизвестен. Добавьте его так:
finding-who-else = Кто ещё видел { $value }
finding-who-nobody = Ни один другой датчик не видел.
finding-group = Его группа
go-on = Дальше
go-same-rule = Находки этого правила
go-same-sensor = Находки этого датчика
go-address = Находки с { $value }

## A finding
direction-to-server = к серверу
direction-to-client = к клиенту
direction-unknown = вне потока
packets-count = { $count ->
    [one] { $count } пакет
    [few] { $count } пакета
    [many] { $count } пакетов
   *[other] { $count } пакета
    }
finding-first-packet = Первый пакет
finding-last-packet = Последний пакет
finding-flow-began = Начало потока
finding-written = Записано датчиком
finding-clock = Часы датчика
finding-stored = Сохранено здесь
finding-alerts = Срабатываний в находке
finding-protocol = Протокол
finding-action = Действие правила
finding-batch = Партия
finding-record = Запись
finding-policy = Политика

## Overview
summary-missing = записей не хватает
summary-doubled = записей удвоено
summary-over-time = Находки по времени
summary-bar = один столбец — { $value }
summary-peak = самый высокий { $value }
summary-by-rule = По правилам
summary-by-sensor = По датчикам
summary-by-provider = По провайдерам
summary-by-category = По категориям
summary-fleet = Парк датчиков

## Sensors
condition-pending = ждёт одобрения
condition-revoked = отключён
condition-offline = не на связи
condition-unknown = неизвестно
condition-blind = слеп
condition-wrong-clock = неверные часы
condition-starved = не хватает лимита
condition-stale-rules = старые правила
condition-seeing = видит
condition-quiet = тихо
cause-approval = человек должен сравнить ключ и решить
cause-decision = так решил человек
cause-never-heard = ни разу не выходил на связь
cause-silent = { $count ->
    [one] молчит { $count } час
    [few] молчит { $count } часа
    [many] молчит { $count } часов
   *[other] молчит { $count } часа
    }
cause-no-status = на связи, но о себе ничего не сообщил
cause-no-packets = захват: пакеты не поступают
cause-not-decoded = разбор: { $count } % пакетов не поняты
cause-dropped = захват: потеряно { $count } % пакетов
cause-no-policy = политика: ждёт подписи провайдера
cause-clock-unset = часы: ни разу не выставлены
cause-clock-ahead = часы: спешат на { $count } мин
cause-held = канал: старейшая запись ждёт { $count } ч
cause-old-pack = правила: не новейший пакет
cause-no-rules = правила: не загружены
cause-findings = { $count ->
    [one] { $count } находка за сутки
    [few] { $count } находки за сутки
    [many] { $count } находок за сутки
   *[other] { $count } находки за сутки
    }
cause-traffic = видит трафик, в нём ничего
sensors-none = Датчиков пока нет. Выпишите ваучер:
sensors-condition = Состояние
sensors-explain = Каждый датчик нумерует записи без пропусков: создано = сохранено + вытеснено + не хватает. Вытеснено — выброшено с полного диска, и об этом сказано; не хватает — в пути или потеряно.
sensor-identity = Идентификатор
sensor-fingerprint = Отпечаток ключа
sensor-asked = Заявка подана
sensor-decided = Решено
sensor-decided-by = Кем решено
sensor-certificate = Сертификат до
sensor-contact = Последняя связь
sensor-address = Последний адрес
sensor-batches = Партий сохранено
sensor-batches-again = Партий пришло снова
sensor-batches-unreadable = Нечитаемых партий
sensor-batches-conflicting = Партий в конфликте
sensor-records-again = Записей пришло снова
sensor-findings-told = Находок по его сводкам
sensor-findings-kept-back = Удержано его политикой
sensor-heartbeat = Сигнал жизни
sensor-software = Программа
sensor-pack = Пакет правил
sensor-waiting = Ждёт там
sensor-decide = Решение
sensor-compare = Попросите техника прочесть отпечаток с устройства. Одобряйте, только если он совпадает с этим.
sensor-approve = Одобрить { $value }
sensor-revoke = Отозвать { $value }
sensor-machine = Что устройство сообщило о себе
coverage = Что проверено
coverage-until = До
coverage-packets = Пакетов
coverage-decoded = Пакетов понято
coverage-dropped = Пакетов потеряно
coverage-bytes = Байтов
coverage-inspected = Проверено
coverage-rules = Правил работало
coverage-unsupported = Правил не поддержано
coverage-vetoed = Правил отклонил провайдер
books = Учёт
books-balance = сходится
books-alarms = сходится, есть тревоги
books-nothing = пока пусто
books-missing = не хватает { $count }
books-doubled = удвоено { $count }
books-by-lane = Учёт по полосам
books-outbox = Исходящие
books-lane = Полоса
books-produced = Создано
books-stored = Сохранено
books-evicted = Вытеснено
books-lost = Не хватает
books-holes = Недостающие номера
alarms = Тревоги
alarm-detail = Подробности

## News and reports
live-news = новых находок.
live-show = Показать
report-weekly = Недельный отчёт
report-monthly = Месячный отчёт
report-period = Период
report-week = семь дней
report-month = календарный месяц
report-end = До этого дня
report-show = Показать
report-trend = к прошлому периоду
report-matters = Главное
report-tier = Ранг
report-work = Сколько заняла работа
report-step = Шаг
report-median = Медиана
report-of = Групп
report-detect = пока стало известно здесь
report-notify = пока уведомили
report-remediate = пока закрыли
report-classes = Группы по классам (RSIT)
report-made = Составлено { $value } по суммам хранилища.

## Rules desk
rules-known = Известно правил: { $value }
rules-draft = Черновик на языке Suricata
rules-check = Проверить и прогнать по записям
rules-import = Сообщить тексты страницам
rules-captures = { $count ->
    [one] { $count } запись в
    [few] { $count } записи в
    [many] { $count } записей в
   *[other] { $count } записи в
    }
rules-result = Что получилось
rules-imported = Страницы знают эти правила. Датчики получат их после публикации.
rules-run = Правил работает
rules-refused = Отклонено
rules-size = Размер пакета
rules-message = Сообщение
rules-difference = По сравнению с известным
rules-alerts = Срабатываний
rules-back-test = По сохранённым записям
rules-capture = Запись
rules-took = Время
rules-who-runs = Какой датчик что исполняет
rules-published = Опубликовано { $value } UTC:
rules-not-published = Пакет ещё не опубликован:
rules-newest = новейший
rules-older = другой
draft-new = новое
draft-changed = изменено
draft-not-newer = изменено, но rev не выше
draft-same = то же

## Questions in SQL
sql-title = Вопросы на SQL
sql-explain = Один SELECT по таблицам ниже. Только ваши строки, не дольше { $value } с, только чтение; вопрос записывается в журнал аудита.
sql-question = Вопрос
sql-ask = Спросить
sql-answer = Ответ
sql-cut = Есть ещё строки: добавьте LIMIT или сумму, либо скачайте всё, что помещается в один ответ.
sql-examples = Для начала
sql-tables = Таблицы и столбцы
sql-example-ports = На какие порты была направлена активность за последние семь дней
sql-example-many-sensors = Какие адреса видели несколько датчиков
sql-example-rules = Какие правила находят больше всего и на скольких датчиках
sql-example-hours = Самые загруженные часы датчиков
sql-rows = { $count ->
    [one] { $count } строка
    [few] { $count } строки
    [many] { $count } строк
   *[other] { $count } строки
    }

## Suppressions
suppressions-title = Подавления
suppressions-explain = Ничего не теряется: подавленные находки хранятся, находятся поиском и входят во все суммы. Они не попадают в группы входящих и не вызывают тревог. Что уже было в группе, там и остаётся.
suppressed-this-week = { $count ->
    [one] { $count } находка подавлена за семь дней
    [few] { $count } находки подавлены за семь дней
   *[other] { $count } находок подавлено за семь дней
    }
suppressions-what = Что
suppressions-why = Почему
suppressions-week = За семь дней
suppressions-all = Всего
suppressions-since = С, UTC
suppressions-until = До, UTC
suppressions-ended = завершено
suppressions-expired = истекло
suppressions-end = Завершить
suppressions-add = Подавлять с этого момента
suppressions-network = Сеть одного из концов
suppressions-days = Дней
suppressions-close = и закрыть группу правила
suppressions-do = Подавлять
suppress-this-rule = Подавить это правило…
finding-suppressed = Не попала в группу из-за подавления

## Alarms by mail and webhook
alarms-explain = Людям и программам сообщается о том, что приходит после создания правила, о каждом один раз. Сообщение называет правила, датчики и числа, но не адреса и не содержимое. Почта идёт через сервер из exchange.toml.
alarms-secret = Секрет { $value }, показывается один раз:
alarms-targets = Кому сообщать
alarms-address = Почта или адрес https://
alarms-pause = Минут между сообщениями
alarms-authority = Сертификаты его центра (PEM), если браузеры его не знают
alarms-add-target = Добавить
alarms-try = Проверить
alarms-remove = Убрать
alarms-rules = О чём сообщать
alarms-what = Что
alarms-where = Где
alarms-whom = Кому
alarms-kind-group = Группа появилась, стала опаснее или вернулась
alarms-kind-sensor = Состояние датчика
alarms-kind-batch = Неполадка с пакетом
alarms-messages = Сообщения
alarms-events = События
alarms-state = Состояние
alarms-state-waiting = ждёт
alarms-state-sent = отправлено
alarms-state-given-up = оставлено
alarms-count = { $count ->
    [one] { $count } тревога
    [few] { $count } тревоги
   *[other] { $count } тревог
    }
alarms-more = { $count ->
    [one] и ещё { $count } такая
    [few] и ещё { $count } такие
   *[other] и ещё { $count } таких
    }
alarms-look = Подробнее на страницах центра.
alarms-test = Проверка, { $value }: сообщения доходят.
