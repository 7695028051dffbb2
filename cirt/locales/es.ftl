# What pages say, in Spanish.

## Frame
nav-inbox = Bandeja
nav-overview = Resumen
nav-findings = Hallazgos
nav-sensors = Sensores
nav-rules = Reglas
nav-reports = Informes
nav-alarms = Alarmas
nav-users = Personas
nav-audit = Auditoría
nav-main = Principal
nav-account = Su cuenta
skip-to-content = Ir al contenido
sign-out = Cerrar sesión
keys-hint = Teclas: j y k mueven, Intro abre, / busca, ? muestra esto
role-viewer = lector
role-analyst = analista
role-rule-editor = editor de reglas
role-fleet = flota
role-administrator = administrador
role-isp-contact = contacto del proveedor
scope-nation = todo el país
none-yet = Nada todavía.
never = nunca
yes = sí
no = no
save = Guardar
add = Añadir

## Login
login-title = Iniciar sesión
login-user = Usuario
login-password = Contraseña
login-code = Código de un solo uso, si lo ha configurado
login-stale = El formulario había caducado. Inténtelo de nuevo.
login-paused = Demasiados intentos fallidos. Espere { $count } min e inténtelo de nuevo.
login-wrong = Ese usuario, contraseña y código no concuerdan.

## Account
account-title = Su cuenta
account-language = Idioma
account-language-browser = según el navegador
account-second-factor = Segundo factor
account-second-factor-on = Hay un segundo factor: cada inicio de sesión requiere un código.
account-second-factor-off = No hay segundo factor. Configúrelo ahora.
account-second-factor-how = Escanee esto con una aplicación de autenticación, o escriba la clave, y ponga el código que muestra.
account-second-factor-key = Clave
account-code = Código
account-second-factor-set = Configurar
account-second-factor-replace = Sustituirlo
account-tokens = Tokens para programas
account-token-name = Para qué es
account-token-scopes = Qué puede hacer
account-token-days = Días
account-token-until = Hasta, UTC
account-token-used = Último uso, UTC
account-token-revoke = Revocar
account-token-over = terminado
account-token-new = El nuevo token, mostrado una vez:

## People
users-title = Personas
users-add = Añadir una persona
users-name = Nombre
users-role = Rol
users-sees = Ve
users-last-login = Último acceso, UTC
users-disable = Desactivar
users-disabled = desactivado
users-reset = Nueva contraseña
users-secret = Contraseña de { $value }, mostrada una vez:
tenants-title = Proveedores y sectores
tenants-kind = Tipo
tenants-provider = proveedor
tenants-sector = sector
tenants-full-name = Nombre completo
tenants-add = Añadir un proveedor o sector

## Audit
audit-title = Registro de auditoría
audit-whole = { $count } líneas, cada una encadenada a la anterior: ninguna cambió. Anote este resumen en otro lugar:
audit-broken = La línea { $count } no es lo que era.
audit-when = Cuándo, UTC
audit-who = Quién
audit-what = Qué
audit-subject = Sobre qué

## Findings
findings-count = { $count ->
    [one] 1 hallazgo
   *[other] { $count } hallazgos
    }

## Sensors
sensors-place = Dónde está
sensors-nowhere = ningún proveedor ni sector

## Words used everywhere
search = Buscar
sensor = Sensor
provider = Proveedor
finding = Hallazgo
source = Origen
destination = Destino
rule = La regla
category = Categoría
class-type = Clase
references = Referencias
case = Caso
ago-seconds = hace { $count } s
ago-minutes = hace { $count } min
ago-hours = hace { $count } h
ago-days = hace { $count } d
ago-future = en el futuro
severity-high = Alta
severity-medium = Media
severity-low = Baja
severity-info = Info
sensors-count = { $count ->
    [one] 1 sensor
   *[other] { $count } sensores
    }

## Inbox
inbox-groups = { $count ->
    [one] 1 grupo
   *[other] { $count } grupos
    }
inbox-open = Abiertos
inbox-mine = Míos
inbox-free = De nadie
inbox-closed = Cerrados
inbox-search = Palabras de la regla, un sid o una clase
inbox-empty = Nada aquí. Tranquilo no es lo mismo que ciego: vea si los sensores están en contacto.
inbox-folded = { $count ->
    [one] 1 grupo más, plegado
   *[other] { $count } grupos más, plegados
    }
inbox-with-chosen = Con los elegidos
tier-infection = Abonados infectados que comunican
tier-critical = Infraestructura crítica
tier-widespread = Visto por muchos proveedores
tier-grave = Graves
tier-other = Otros
tier-noise = Ruido
reason-infection = { $count ->
    [one] 1 hallazgo de un abonado que llama al exterior
   *[other] { $count } hallazgos de abonados que llaman al exterior
    }
reason-critical = { $count ->
    [one] 1 hallazgo toca infraestructura crítica
   *[other] { $count } hallazgos tocan infraestructura crítica
    }
reason-many-providers = { $count ->
    [one] visto por 1 proveedor
   *[other] visto por { $count } proveedores a la vez
    }
reason-severity-high = la regla dice: alta
reason-severity-medium = la regla dice: media
reason-severity-low = la regla dice: baja
reason-severity-info = la regla dice: informativo
reason-came-back = { $count ->
    [one] volvió tras cerrarse
   *[other] volvió { $count } veces tras cerrarse
    }
reason-silent = { $count ->
    [one] en silencio desde hace 1 día
   *[other] en silencio desde hace { $count } días
    }
came-back = volvió
closed-at = cerrado { $value }
act-do = Hacerlo
act-take = Tomar
act-assign = Asignado a
act-classify = Clase (RSIT)
act-merge = Caso
act-notified = Avisado
act-notified-whom = a quién y cómo
act-comment = Comentar
act-close = Cerrar
act-close-with = Cerrar con esta nota
act-reopen = Reabrir
views-title = Vistas guardadas
views-name = Guardar esta vista como
views-share = también para colegas
views-forget = Olvidar { $value }
cases-title = Casos
cases-new = Abrir un caso
cases-empty = Ningún grupo en este caso todavía.

## A group
group-why = Por qué está en este lugar
group-days = Hallazgos por día, 30 días
group-places = Dónde se vio
group-newest = Los hallazgos más recientes
group-all-findings = Todos los hallazgos de este grupo
group-work = Trabajar en ello
group-facts = Lo que se sabe
group-timeline = Lo que se hizo
playbook = Qué hacer primero
playbook-infected = Dé al proveedor el sensor, la hora al milisegundo, el puerto de origen y el otro extremo; él halla al abonado. Busque ese extremo en todos los proveedores: quien habla con él también está infectado. Cierre tras una semana de silencio.
playbook-scan = Los escaneos de fuera son el tiempo que hace: actúe si muchos proveedores ven el mismo origen o si encontró algo. Un escaneo desde un abonado es una infección: trátelo así.
playbook-brute-force = Busque un acceso logrado tras los fallos. Diga al dueño del objetivo que cambie contraseñas, active un segundo factor y limite quién se conecta.
playbook-exploit = Vea qué respondió el objetivo: los bytes hacia el cliente dicen si funcionó. Diga al dueño qué producto es y dónde está el arreglo. Busque el origen en todos los sensores.
playbook-denial = Pida al proveedor del objetivo la tasa y si los orígenes son falsos. Pida filtrado aguas arriba. El tráfico reflejado viene de servicios abiertos: halle y cierre los nuestros.
playbook-other = Lea la regla y sus referencias, y vea quién más vio cada extremo. Si no es nada, diga por qué y cierre; vuelve por sí solo.
event-assigned = asignado
event-comment = comentó
event-classified = clasificado
event-tlp = TLP fijado
event-notified = avisados los interesados
event-closed = cerrado
event-reopened = reabierto
event-relapse = volvió por sí solo
event-merged = puesto en un caso
fact-findings = Hallazgos
fact-alerts = Alertas
fact-sensors = Sensores
fact-providers = Proveedores
fact-first = Primera vez, UTC
fact-last = Última vez, UTC
fact-stored = Conocido aquí desde, UTC
fact-notified = Avisado, UTC
fact-closed = Cerrado, UTC

## Findings
filter = Filtrar
filter-query = Consulta: severity:high since:7d host:bad.example palabras
filter-since = Desde
filter-until = Hasta
filter-severity = Gravedad
filter-rule = Regla
filter-address = Dirección
filter-host = Host
filter-any = cualquiera
filter-medium-up = media y más
filter-low-up = baja y más
filter-remove = Quitar el filtro { $value }
filter-remove-all = Quitar todos
filter-more = Más filtros
download-csv = Descargar CSV
pages = Páginas
pages-newest = Más recientes
pages-older = Más antiguos
withheld = retenido
pseudonym = seudónimo
withheld-means = La política del proveedor retiene esta dirección.
pseudonym-means = Seudónimo con la clave { $value } del proveedor. Solo él puede revertirlo.
finding-said = Lo que se dijo
finding-no-facts = El sensor no envió datos de aplicación.
finding-when = Cuándo, UTC
finding-how-much = Cuánto
finding-origin = De dónde viene
finding-rule-unknown = El texto de esta regla no se conoce aquí. Añádalo con:
finding-who-else = Quién más vio { $value }
finding-who-nobody = Ningún otro sensor lo vio.
finding-group = Su grupo
go-on = Seguir
go-same-rule = Hallazgos de esta regla
go-same-sensor = Hallazgos de este sensor
go-address = Hallazgos con { $value }

## A finding
direction-to-server = hacia el servidor
direction-to-client = hacia el cliente
direction-unknown = sin flujo
packets-count = { $count ->
    [one] 1 paquete
   *[other] { $count } paquetes
    }
finding-first-packet = Primer paquete
finding-last-packet = Último paquete
finding-flow-began = Inicio del flujo
finding-written = Escrito por el sensor
finding-clock = Reloj del sensor
finding-stored = Guardado aquí
finding-alerts = Alertas en este hallazgo
finding-protocol = Protocolo
finding-action = Acción de la regla
finding-batch = Lote
finding-record = Registro
finding-policy = Política

## Overview
summary-missing = registros faltantes
summary-doubled = registros duplicados
summary-over-time = Hallazgos en el tiempo
summary-bar = una barra es { $value }
summary-peak = la más alta { $value }
summary-by-rule = Por regla
summary-by-sensor = Por sensor
summary-by-provider = Por proveedor
summary-by-category = Por categoría
summary-fleet = La flota

## Sensors
condition-pending = espera aprobación
condition-revoked = excluido
condition-offline = sin conexión
condition-unknown = desconocido
condition-blind = ciego
condition-wrong-clock = reloj erróneo
condition-starved = sin presupuesto
condition-stale-rules = reglas viejas
condition-seeing = ve
condition-quiet = tranquilo
cause-approval = una persona debe comparar su clave y decidir
cause-decision = lo decidió una persona
cause-never-heard = nunca se conectó
cause-silent = { $count ->
    [one] sin noticias desde hace 1 hora
   *[other] sin noticias desde hace { $count } horas
    }
cause-no-status = en contacto, pero no ha dicho nada de sí
cause-no-packets = captura: no llega ningún paquete
cause-not-decoded = decodificación: { $count } % de los paquetes no se entienden
cause-dropped = captura: { $count } % de los paquetes perdidos
cause-no-policy = política: espera la firma del proveedor
cause-clock-unset = reloj: nunca se ajustó
cause-clock-ahead = reloj: { $count } min adelantado
cause-held = enlace: el registro más antiguo espera { $count } h
cause-old-pack = reglas: no es el paquete más nuevo
cause-no-rules = reglas: ninguna cargada
cause-findings = { $count ->
    [one] 1 hallazgo en un día
   *[other] { $count } hallazgos en un día
    }
cause-traffic = ve tráfico, y nada en él
sensors-none = Ningún sensor inscrito. Cree un vale con:
sensors-condition = Estado
sensors-explain = Cada sensor numera sus registros sin huecos: producidos = guardados + desalojados + faltantes. Desalojado: lo tiró un disco lleno y lo dijo; faltante: en camino o perdido.
sensor-identity = Identidad
sensor-fingerprint = Huella de la clave
sensor-asked = Inscripción pedida
sensor-decided = Decidido
sensor-decided-by = Decidido por
sensor-certificate = Certificado hasta
sensor-contact = Último contacto
sensor-address = Última dirección
sensor-batches = Lotes guardados
sensor-batches-again = Lotes repetidos
sensor-batches-unreadable = Lotes ilegibles
sensor-batches-conflicting = Lotes en conflicto
sensor-records-again = Registros repetidos
sensor-findings-told = Hallazgos según sus resúmenes
sensor-findings-kept-back = Retenidos por su política
sensor-heartbeat = Latido
sensor-software = Software
sensor-pack = Paquete de reglas
sensor-waiting = En espera allí
sensor-decide = Decidir
sensor-compare = Pida al técnico que lea la huella en el aparato. Apruebe solo si es igual a esta.
sensor-approve = Aprobar { $value }
sensor-revoke = Revocar { $value }
sensor-machine = Lo que el aparato dijo de sí
coverage = Lo que se inspeccionó
coverage-until = Hasta
coverage-packets = Paquetes
coverage-decoded = Paquetes entendidos
coverage-dropped = Paquetes perdidos
coverage-bytes = Bytes
coverage-inspected = Inspeccionado
coverage-rules = Reglas activas
coverage-unsupported = Reglas no soportadas
coverage-vetoed = Reglas vetadas por el proveedor
books = Cuentas
books-balance = cuadran
books-alarms = cuadran, con alarmas
books-nothing = nada aún
books-missing = { $count } faltantes
books-doubled = { $count } duplicados
books-by-lane = Cuentas por carril
books-outbox = Buzón de salida
books-lane = Carril
books-produced = Producidos
books-stored = Guardados
books-evicted = Desalojados
books-lost = Faltantes
books-holes = Números faltantes
alarms = Alarmas
alarm-detail = Detalle

## News and reports
live-news = hallazgos nuevos.
live-show = Mostrarlos
report-weekly = Informe semanal
report-monthly = Informe mensual
report-period = Periodo
report-week = siete días
report-month = mes natural
report-end = Antes de este día
report-show = Mostrar
report-trend = frente al periodo anterior
report-matters = Lo que importó
report-tier = Rango
report-work = Cuánto tomó el trabajo
report-step = Paso
report-median = Mediana
report-of = Grupos
report-detect = hasta saberse aquí
report-notify = hasta avisar a los interesados
report-remediate = hasta cerrarse
report-classes = Grupos por clase (RSIT)
report-made = Hecho { $value } con las sumas del almacén.

## Rules desk
rules-known = { $value } reglas conocidas
rules-draft = Borrador, en el lenguaje de Suricata
rules-check = Comprobar y ejecutar sobre capturas
rules-import = Dar a conocer estos textos a las páginas
rules-captures = { $count ->
    [one] 1 captura en
   *[other] { $count } capturas en
    }
rules-result = Lo que da el borrador
rules-imported = Las páginas ya conocen estas reglas. Los sensores las tendrán al publicarse.
rules-run = Reglas que funcionan
rules-refused = Rechazadas
rules-size = Tamaño del paquete
rules-message = Mensaje
rules-difference = Frente a lo conocido
rules-alerts = Alertas
rules-back-test = Sobre capturas guardadas
rules-capture = Captura
rules-took = Duración
rules-who-runs = Qué sensor ejecuta qué
rules-published = Publicado { $value } UTC:
rules-not-published = Ningún paquete publicado:
rules-newest = el más nuevo
rules-older = otro
draft-new = nueva
draft-changed = cambiada
draft-not-newer = cambiada, pero rev no es mayor
draft-same = igual

## Questions in SQL
sql-title = Preguntas en SQL
sql-explain = Un solo SELECT sobre las tablas de abajo. Solo sus propias filas, { $value } s como máximo, solo lectura; lo que pregunta queda en el registro de auditoría.
sql-question = La pregunta
sql-ask = Preguntar
sql-answer = La respuesta
sql-cut = Hay más filas: añada LIMIT o sume, o descargue todo lo que puede tener una respuesta.
sql-examples = Para empezar
sql-tables = Tablas y columnas
sql-example-ports = A qué puertos se apuntó en los últimos siete días
sql-example-many-sensors = Qué direcciones vieron varios sensores
sql-example-rules = Qué reglas encuentran más, y en cuántos sensores
sql-example-hours = Las horas más cargadas de los sensores
sql-rows = { $count ->
    [one] 1 fila
   *[other] { $count } filas
    }

## Suppressions
suppressions-title = Silenciados
suppressions-explain = No se pierde nada: los hallazgos silenciados se guardan, se encuentran y se cuentan en todas las sumas. Quedan fuera de los grupos de la bandeja y no dan alarma. Lo que ya estaba en un grupo se queda en él.
suppressed-this-week = { $count ->
    [one] 1 hallazgo silenciado en siete días
   *[other] { $count } hallazgos silenciados en siete días
    }
suppressions-what = Qué
suppressions-why = Por qué
suppressions-week = En siete días
suppressions-all = En total
suppressions-since = Desde, UTC
suppressions-until = Hasta, UTC
suppressions-ended = terminado
suppressions-expired = vencido
suppressions-end = Terminar
suppressions-add = Silenciar desde ahora
suppressions-network = Red de un extremo
suppressions-days = Días
suppressions-close = y cerrar el grupo de la regla
suppressions-do = Silenciar
suppress-this-rule = Silenciar esta regla…
finding-suppressed = Fuera de su grupo por el silenciado

## Alarms by mail and webhook
alarms-explain = Se avisa a personas y programas de lo que llega desde que se crea una regla, de cada cosa una vez. Un mensaje nombra reglas, sensores y cantidades, nunca una dirección ni un contenido. El correo sale por el servidor de exchange.toml.
alarms-secret = Secreto de { $value }, se muestra una sola vez:
alarms-targets = A quién se avisa
alarms-address = Correo o dirección https://
alarms-pause = Minutos entre mensajes
alarms-authority = Certificados de su autoridad (PEM), si los navegadores no la conocen
alarms-add-target = Añadir
alarms-try = Probar
alarms-remove = Quitar
alarms-rules = De qué se avisa
alarms-what = Qué
alarms-where = Dónde
alarms-whom = A quién
alarms-kind-group = Un grupo aparece, se agrava o vuelve
alarms-kind-sensor = Un sensor pasa a estar
alarms-kind-batch = Problema con un lote
alarms-messages = Mensajes
alarms-events = Sucesos
alarms-state = Estado
alarms-state-waiting = en espera
alarms-state-sent = enviado
alarms-state-given-up = abandonado
alarms-count = { $count ->
    [one] 1 alarma
   *[other] { $count } alarmas
    }
alarms-more = { $count ->
    [one] 1 más de estas
   *[other] { $count } más de estas
    }
alarms-look = Más en las páginas del centro.
alarms-test = Una prueba de { $value }: los mensajes llegan.
